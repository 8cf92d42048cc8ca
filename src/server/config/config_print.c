#include "server/config/config_print.h"

#include "config/config_listing.h"
#include "os/file/control_path.h"
#include "os/log/error_message.h"
#include "server/config/config_load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Returns 0 or -ENOMEM. */
static int print(const struct config *config)
{
    char built_in[CONTROL_PATH_BYTES];
    bool has_built_in = control_path_default(built_in, sizeof built_in) == 0;
    struct config_listing listing = {
        .started = config, .loaded = config, .built_in_socket = has_built_in ? built_in : NULL};
    struct config_entry entry;
    const char *section = NULL;
    int next;
    for (; (next = config_listing_next(&listing, &entry)) > 0; section = entry.section) {
        char *text = config_entry_text(&entry, section);
        if (text == NULL) {
            next = -ENOMEM;
            break;
        }
        fputs(text, stdout);
        free(text);
    }
    config_listing_free(&listing);
    return next;
}

int config_print_run(const struct server_options *options)
{
    struct config_files_result result;
    int error = config_load(&result, options);
    if (error == 0 && print(result.config) != 0) {
        print_error(strerror(ENOMEM), "free some memory", "printing the configuration");
        error = -1;
    }
    config_files_free(&result);
    return error == 0 ? EXIT_SUCCESS : EXIT_CONFIGURATION;
}
