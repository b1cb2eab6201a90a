/* feed.c: see feed.h. */
#include "job/feed.h"

bool feed_is_named(const struct job_options *o)
{
    return o->input != NULL || o->table != NULL || o->query_file != NULL;
}

bool feed_read_query(const struct job_options *o, struct buffer *select, struct error *err)
{
    return o->input != NULL || job_read_query(o, select, err);
}

bool feed_describe(const struct job_options *o, struct buffer *select, struct buffer *description,
                   struct job_id *id, struct error *err)
{
    if (!feed_read_query(o, select, err))
        return false;
    return o->input != NULL ? job_describe_load(o, description, id, err)
                            : job_describe(o, buffer_string(select), description, id, err);
}

bool feed_open(struct feed *f, const struct job_options *o, const char *select,
               struct job_live *live, struct error *err)
{
    return o->input != NULL ? load_open(&f->load, o, live, err)
                            : dump_open(&f->dump, o, select, live, err);
}

void feed_close(struct feed *f)
{
    dump_close(f->dump);
    load_close(f->load);
    *f = (struct feed){.dump = NULL};
}

bool feed_is_open(const struct feed *f)
{
    return f->dump != NULL || f->load != NULL;
}

bool feed_is_same(const struct feed *f, struct spool *s, bool *is_same, struct error *err)
{
    *is_same = true;
    return f->load == NULL || load_is_same(f->load, s, is_same, err);
}

bool feed_refuse(const struct feed *f, struct error *err)
{
    return load_refuse(f->load, err);
}

bool feed_plan(struct feed *f, struct error *err)
{
    return f->load != NULL || dump_plan(f->dump, err); // of a file there is nothing to check
}

bool feed_begin_spool(struct feed *f, struct spool *s, const struct job_id *id,
                      struct slice description, struct error *err)
{
    return f->load != NULL ? load_begin_spool(f->load, s, id, description, err)
                           : dump_begin_spool(f->dump, s, id, description, err);
}

bool feed_run(struct feed *f, struct spool *s, struct error *err)
{
    return f->load != NULL ? load_run(f->load, s, err) : dump_run(f->dump, s, err);
}

bool feed_end(struct spool *s, bool ok, struct error *err)
{
    struct error ending = {.kind = ERROR_NONE};
    if (!ok && (err->kind == ERROR_DISK || err->kind == ERROR_DAMAGED))
        return false;
    bool is_ended = spool_finish_dump(s, &ending);
    if (ok && !is_ended)
        *err = ending;
    return ok && is_ended;
}

bool feed_describe_plan(struct feed *f, struct buffer *out, struct error *err)
{
    return f->load != NULL ? load_describe_plan(f->load, out, err)
                           : dump_describe_plan(f->dump, out, err);
}

void feed_put_destination(const struct job_options *o, struct buffer *out)
{
    buffer_append_format(out, "spool:     %s\n", o->spool ? o->spool : "(none given)");
    buffer_append_format(out, "index:     %s\n", o->index ? o->index : "(none given)");
}
