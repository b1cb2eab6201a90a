/* variables.h: psql's variables in the text of SQL: :name becomes the value as it is, :'name' a literal
 * and :"name" an identifier. Pure.
 *
 * None is seen within literals, quoted identifiers, dollar quotes and comments, nor in "::" and ":=". A name begins
 * with a letter or "_", so [1:2] has none. Quotes as standard_conforming_strings has them. */
#ifndef BOBBIN_REFRESH_VARIABLES_H
#define BOBBIN_REFRESH_VARIABLES_H

#include "base/buffer.h"

/* Variables are strings "NAME=VALUE", NULL at the end; of two with one name the later counts. ERROR_USAGE that
 * names the first that is none. */
MUST_CHECK bool variables_check(const char *const *variables, struct error *err);

/* Append SQL to OUT with the variables' values. ERROR_CONFIG: a variable that isn't given, as "WHERE line N". */
MUST_CHECK bool variables_put(struct slice sql, const char *where, const char *const *variables,
                              struct buffer *out, struct error *err);

#endif
