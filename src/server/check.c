#include "server/check.h"

#include "core/config_key.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int check_read(struct configfile_result *result, const struct server_options *options)
{
    int error =
        configfile_read(result, options->config_path, options->overrides, options->override_count);
    for (size_t i = 0; i < result->complaint_count; i++)
        fprintf(stderr, "udpsrv: %s\n", result->complaints[i]);
    if (error != 0 && result->complaint_count == 0)
        fprintf(stderr, "udpsrv: cannot read the configuration: %s\n", strerror(-error));
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
    if (value == NULL)
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
        fprintf(stderr, "udpsrv: cannot print the configuration: out of memory\n");
        error = -1;
    }
    configfile_free(&result);
    return error == 0 ? EXIT_SUCCESS : EXIT_CONFIGURATION;
}
