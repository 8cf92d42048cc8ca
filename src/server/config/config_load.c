#include "server/config/config_load.h"

#include "os/log/error_message.h"
#include "server/config/names_config.h"
#include "server/config/state_config.h"

#include <stdlib.h>
#include <string.h>

/* An error with a location in a file is printed as compilers do, without the program's name, so
 * that editors can jump to it. */
static void print_diagnostic(const char *text, bool located)
{
    /* A text with further lines, to be pasted into a file, contains its own advice. */
    if (located || strchr(text, '\n'))
        print_config_error(text, !located);
    else
        print_error_text(text, text[0] == '-' ? "see udpsrv.conf(5) for its values" : NULL);
}

int config_load(struct config_files_result *result, const struct server_options *options)
{
    const struct config_files_mode mode = {.may_block = true};
    int error = config_files_read_in_mode(result, options->config_path, options->overrides,
                                          options->override_count, &mode);
    for (size_t i = 0; i < result->error_count; i++)
        print_diagnostic(result->errors[i], result->located[i]);
    if (error != 0 && result->error_count == 0)
        print_error(strerror(-error), "free some memory", "reading the configuration");
    return error;
}

int config_load_test(const struct server_options *options)
{
    struct config_files_result result;
    int error = config_load(&result, options);
    if (error == 0)
        error = names_config_test_key(result.config);
    if (error == 0)
        names_config_test_warn(result.config);
    if (error == 0)
        error = state_config_test(result.config);
    config_files_free(&result);
    return error == 0 ? EXIT_SUCCESS : EXIT_CONFIGURATION;
}
