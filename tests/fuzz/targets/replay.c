/* Runs a fuzz target without libFuzzer on every file of some directories: replay DIRECTORY... */
#include "target.h"

#include <dirent.h>
#include <string.h>

static size_t replay(const char *directory, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    static uint8_t read[1 << 20];
    size_t size = fread(read, 1, sizeof read, file);
    fclose(file);
    uint8_t *exact =
        malloc(size + !size); /* of the exact size, so that sanitizers find a byte too many */
    if (exact == NULL)
        exit(EXIT_FAILURE);
    memcpy(exact, read, size);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    return 1;
}

int main(int argc, char **argv)
{
    size_t count = 0;
    for (int i = 1; i < argc; i++) {
        DIR *directory = opendir(argv[i]);
        if (directory == NULL) {
            perror(argv[i]);
            return EXIT_FAILURE;
        }
        for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
            if (entry->d_name[0] != '.')
                count += replay(argv[i], entry->d_name);
        closedir(directory);
    }
    printf("%s: %zu inputs replayed\n", argv[0], count);
    return count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
