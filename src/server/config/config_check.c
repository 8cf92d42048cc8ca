/* What udpsrv does with a configuration other than to run by it. */
#include "server/config/config_check.h"

#include "config/config_keys.h"
#include "os/file/control_path.h"
#include "os/log/error_message.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What has a place in a file is said as compilers do, without our name, so that editors find it. */
static void say(const char *complaint, bool located)
{
    /* What has lines to paste says itself what to do. */
    if (located || strchr(complaint, '\n'))
        print_config_error(complaint, !located);
    else
        print_error_text(complaint,
                         complaint[0] == '-' ? "udpsrv.conf(5) tells what it takes" : NULL);
}

int config_check_read(struct config_files_result *result, const struct server_options *options)
{
    const struct config_files_ways ways = {.waits = true};
    int error = config_files_read_by(result, options->config_path, options->overrides,
                                     options->override_count, &ways);
    for (size_t i = 0; i < result->error_count; i++)
        say(result->errors[i], result->located[i]);
    if (error != 0 && result->error_count == 0)
        print_error(strerror(-error), "free some memory", "reading the configuration");
    return error;
}

int config_check_run(const struct server_options *options)
{
    struct config_files_result result;
    int error = config_check_read(&result, options);
    config_files_free(&result);
    return error == 0 ? EXIT_SUCCESS : EXIT_CONFIGURATION;
}

/* A key without a value is shown, but as a comment, so that what is printed can be read back. */
static void print_key(void *state, const char *section, const char *key, const char *value)
{
    const char **last = state;
    if (*last == NULL || strcmp(*last, section) != 0)
        printf("%s[%s]\n", *last == NULL ? "" : "\n", section);
    *last = section;
    char built_in[CONTROL_PATH_BYTES];
    bool is_socket = strcmp(section, "control") == 0 && strcmp(key, "socket") == 0;
    if (value == NULL && is_socket && control_path_built_in(built_in, sizeof built_in) == 0)
        printf("# %s = %s  (built in)\n", key, built_in);
    else if (value == NULL)
        printf("# %s =\n", key);
    else
        printf("%s = %s\n", key, value);
}

int config_check_print(const struct server_options *options)
{
    struct config_files_result result;
    const char *section = NULL;
    int error = config_check_read(&result, options);
    if (error == 0 && !config_for_each_value(result.config, print_key, &section)) {
        print_error(strerror(ENOMEM), "free some memory", "printing the configuration");
        error = -1;
    }
    config_files_free(&result);
    return error == 0 ? EXIT_SUCCESS : EXIT_CONFIGURATION;
}
