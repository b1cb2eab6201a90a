/* model.h: which models there are: the config files NAME.conf of one directory, each as bobbin run takes it. */
#ifndef BOBBIN_SERVE_MODEL_H
#define BOBBIN_SERVE_MODEL_H

#include "base/error.h"

enum { MODEL_PATH_BYTES = 4096 };

/* Is DIRECTORY one, and does it hold a model? ERROR_CONFIG when not. */
MUST_CHECK bool model_check_directory(const char *directory, struct error *err);

/* The path of model NAME's file (NAME: as wish.h lets it pass). False: there is none that can be read. */
bool model_find(const char *directory, const char *name, char out[MODEL_PATH_BYTES]);

#endif
