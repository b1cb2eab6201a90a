/* replay_corpus.c: main of a fuzz target in a build without libFuzzer: runs every file of the target's
 * corpus ($srcdir/tests/fuzz/corpus/NAME), or of the folders and files that are given. */
#include <dirent.h>
#include <libgen.h>
#include <sys/stat.h>

#include "fuzz.h"

static void run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct stat st;
    if (file == NULL || fstat(fileno(file), &st) != 0) {
        perror(path);
        exit(1);
    }
    uint8_t *bytes = malloc((size_t)st.st_size + 1);
    size_t size = bytes != NULL ? fread(bytes, 1, (size_t)st.st_size, file) : 0;
    fclose(file);
    LLVMFuzzerTestOneInput(bytes, size);
    free(bytes);
}

static int run_folder(const char *path)
{
    char name[4096];
    int count = 0;
    DIR *folder = opendir(path);
    if (folder == NULL) {
        perror(path);
        exit(1);
    }
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        run_file(name);
        count++;
    }
    closedir(folder);
    return count;
}

int main(int argc, char **argv)
{
    char folder[4096];
    struct stat st;
    const char *srcdir = getenv("srcdir");
    int count = 0;
    for (int i = 1; i < argc; i++) {
        if (stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode)) {
            count += run_folder(argv[i]);
        } else {
            run_file(argv[i]);
            count++;
        }
    }
    if (argc == 1) {
        snprintf(folder, sizeof folder, "%s/tests/fuzz/corpus/%s", srcdir != NULL ? srcdir : ".",
                 basename(argv[0]));
        count = run_folder(folder);
    }
    printf("%d inputs\n", count);
    return count > 0 ? 0 : 1;
}
