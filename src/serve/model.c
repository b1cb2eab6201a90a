/* model.c: see model.h. */
#include "serve/model.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ENDING ".conf"

static bool is_model(const char *name)
{
    size_t size = strlen(name);
    return size > sizeof ENDING - 1 && strcmp(name + size - (sizeof ENDING - 1), ENDING) == 0;
}

bool model_check_directory(const char *directory, struct error *err)
{
    DIR *stream = opendir(directory);
    bool has_model = false;
    if (stream == NULL)
        return error_set_errno(err, ERROR_CONFIG, "--models %s", directory);
    for (struct dirent *entry; !has_model && (entry = readdir(stream)) != NULL;)
        has_model = is_model(entry->d_name);
    closedir(stream);
    return has_model ||
           error_set(err, ERROR_CONFIG, "--models %s: it holds no model: a config file NAME" ENDING,
                     directory);
}

bool model_find(const char *directory, const char *name, char out[MODEL_PATH_BYTES])
{
    int size = snprintf(out, MODEL_PATH_BYTES, "%s/%s" ENDING, directory, name);
    return size < MODEL_PATH_BYTES && access(out, R_OK) == 0;
}
