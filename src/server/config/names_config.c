#include "server/config/names_config.h"

#include "config/exposed_listeners.h"
#include "os/file/names_key_file.h"
#include "os/log/error_message.h"
#include "os/log/log.h"

#include <stdbool.h>
#include <string.h>

static const char TRUSTED_WHY[] =
    "other hosts can reach it, and each of them can take the name of any client";
static const char TRUSTED_NEXT[] =
    "give 'names = keyed' in [clients], unless all hosts of the network are trusted";

int names_config_read_key(struct names_key *key, const struct config *config)
{
    const char *path = config->clients.names_key_file;
    struct names_key_file_fault fault;
    int error = config->clients.names == NAMES_KEYED ? names_key_file_read(key, path, &fault) : 0;
    if (error != 0)
        log_event(LOG_LEVEL_ERROR, "cannot read clients.names-key-file", "on", path, "reason",
                  fault.why, "advice", fault.next, NULL);
    return error;
}

int names_config_test_key(const struct config *config)
{
    const char *path = config->clients.names_key_file;
    struct names_key key;
    struct names_key_file_fault fault;
    int error = config->clients.names == NAMES_KEYED ? names_key_file_read(&key, path, &fault) : 0;
    if (error != 0)
        print_error(fault.why, fault.next, "reading 'names-key-file' %s", path);
    explicit_bzero(&key, sizeof key);
    return error;
}

/* Whether a warning is due; text is the first address that other hosts can reach. */
static bool is_risky(const struct config *config, char text[CONFIG_LISTEN_TEXT_BYTES])
{
    size_t first;
    if (config->clients.names != NAMES_TRUSTED || exposed_listeners_count(config, &first) == 0)
        return false;
    config_listen_text(&config->server.listen[first], text);
    return true;
}

void names_config_warn(const struct config *config)
{
    char text[CONFIG_LISTEN_TEXT_BYTES];
    if (is_risky(config, text))
        log_event(LOG_LEVEL_WARNING, "clients are named without proof on a listener", "listen",
                  text, "reason", TRUSTED_WHY, "advice", TRUSTED_NEXT, NULL);
}

void names_config_test_warn(const struct config *config)
{
    char text[CONFIG_LISTEN_TEXT_BYTES];
    if (is_risky(config, text))
        print_error(TRUSTED_WHY, TRUSTED_NEXT, "warning of 'names = trusted' on %s", text);
}
