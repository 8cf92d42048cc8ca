#include "server/config/config_print.h"

#include "config/config_keys.h"
#include "os/file/control_path.h"
#include "os/log/error_message.h"
#include "server/config/config_load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A key without a value is printed as a comment, so that the output can be read as a file. */
static void print_key(void *state, const char *section, const char *key, const char *value)
{
    const char **last = state;
    if (*last == NULL || strcmp(*last, section) != 0)
        printf("%s[%s]\n", *last == NULL ? "" : "\n", section);
    *last = section;
    char built_in[CONTROL_PATH_BYTES];
    bool is_socket = strcmp(section, "control") == 0 && strcmp(key, "socket") == 0;
    if (value == NULL && is_socket && control_path_default(built_in, sizeof built_in) == 0)
        printf("# %s = %s  (built in)\n", key, built_in);
    else if (value == NULL)
        printf("# %s =\n", key);
    else
        printf("%s = %s\n", key, value);
}

int config_print_run(const struct server_options *options)
{
    struct config_files_result result;
    const char *section = NULL;
    int error = config_load(&result, options);
    if (error == 0 && !config_for_each_value(result.config, print_key, &section)) {
        print_error(strerror(ENOMEM), "free some memory", "printing the configuration");
        error = -1;
    }
    config_files_free(&result);
    return error == 0 ? EXIT_SUCCESS : EXIT_CONFIGURATION;
}
