/* What udpsrv does with a configuration other than to run by it. */
#include "server/check.h"

#include "config/config_key.h"
#include "net/complain.h"
#include "net/runtime.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What has a place in a file is said as compilers do, without our name, so that editors find it. */
static void say(const char *complaint, bool located)
{
    /* What has lines to paste says itself what to do. */
    if (located || strchr(complaint, '\n'))
        complain_fault(complaint, !located);
    else
        complain_text(complaint, complaint[0] == '-' ? "udpsrv.conf(5) tells what it takes" : NULL);
}

int check_read(struct configfile_result *result, const struct server_options *options)
{
    const struct configfile_ways ways = {.waits = true};
    int error = configfile_read_by(result, options->config_path, options->overrides,
                                   options->override_count, &ways);
    for (size_t i = 0; i < result->complaint_count; i++)
        say(result->complaints[i], result->located[i]);
    if (error != 0 && result->complaint_count == 0)
        complain(strerror(-error), "free some memory", "reading the configuration");
    return error;
}

int check_configuration(const struct server_options *options)
{
    struct configfile_result result;
    int error = check_read(&result, options);
    configfile_free(&result);
    return error == 0 ? EXIT_SUCCESS : EXIT_CONFIGURATION;
}

/* A key without a value is shown, but as a comment, so that what is printed can be read back. */
static void print_key(void *state, const char *section, const char *key, const char *value)
{
    const char **last = state;
    if (*last == NULL || strcmp(*last, section) != 0)
        printf("%s[%s]\n", *last == NULL ? "" : "\n", section);
    *last = section;
    char built_in[RUNTIME_PATH_BYTES];
    bool is_socket = strcmp(section, "control") == 0 && strcmp(key, "socket") == 0;
    if (value == NULL && is_socket && runtime_socket_path(built_in, sizeof built_in) == 0)
        printf("# %s = %s  (built in)\n", key, built_in);
    else if (value == NULL)
        printf("# %s =\n", key);
    else
        printf("%s = %s\n", key, value);
}

int check_print(const struct server_options *options)
{
    struct configfile_result result;
    const char *section = NULL;
    int error = check_read(&result, options);
    if (error == 0 && !config_each(result.config, print_key, &section)) {
        complain(strerror(ENOMEM), "free some memory", "printing the configuration");
        error = -1;
    }
    configfile_free(&result);
    return error == 0 ? EXIT_SUCCESS : EXIT_CONFIGURATION;
}
