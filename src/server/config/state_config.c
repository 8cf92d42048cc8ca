#include "server/config/state_config.h"

#include "os/file/journal_file.h"
#include "os/file/state_file_reader.h"
#include "os/log/error_message.h"
#include "os/log/log.h"
#include "os/process/privilege.h"
#include "text/number_with_unit.h"

#include <errno.h>
#include <stdbool.h>

static const char INTERVAL_WHY[] = "the interval is longer than the ttl, so after a crash all "
                                   "clients of the file may have expired";
static const char INTERVAL_NEXT[] = "lower state.interval, or raise clients.ttl";

/* Whether a warning is due; both texts are its values. */
static bool is_interval_long(const struct config *config, char interval[24], char ttl[24])
{
    if (config->state.file == NULL || config->state.interval_ms <= config->clients.ttl_ms)
        return false;
    duration_format(config->state.interval_ms, interval);
    duration_format(config->clients.ttl_ms, ttl);
    return true;
}

/* ---- at the start ---- */

void state_config_warn_of_interval(const struct config *config)
{
    char interval[24], ttl[24];
    if (is_interval_long(config, interval, ttl))
        log_event(LOG_LEVEL_WARNING, "a crash may lose all clients", "interval", interval, "ttl",
                  ttl, "reason", INTERVAL_WHY, "advice", INTERVAL_NEXT, NULL);
}

void state_config_log_unusable(const struct config *config, const char *why, const char *next)
{
    log_event(LOG_LEVEL_ERROR, "cannot use the state file", "file", config->state.file, "reason",
              why, "advice", next, NULL);
}

int state_config_check(const struct config *config)
{
    const char *path = config->state.file;
    struct state_file_fault fault;
    if (path == NULL)
        return 0;
    int error = state_file_check_kind(path, &fault);
    if (error != 0) {
        state_config_log_unusable(config, fault.why, fault.next);
        return error;
    }
    if (state_file_check_safe(path, &fault) != 0)
        log_event(LOG_LEVEL_WARNING, "other users can replace the state file", "file", path,
                  "reason", fault.why, "advice", fault.next, NULL);
    state_config_warn_of_interval(config);
    return 0;
}

/* ---- udpsrv -t ---- */

/* Becomes what the server is once it has given up its privileges. Returns whether it has. */
static bool become_server(const struct config *config)
{
    struct identity identity;
    return identity_find(&identity, config->server.user, config->server.group) == 0 &&
           identity_allowed(&identity) == 0 && privilege_drop(&identity) == 0 &&
           privilege_harden() == 0;
}

static void print_warning(const char *path, const struct state_file_fault *fault)
{
    print_error(fault->why, fault->next, "warning of the state file %s", path);
}

static int print_refusal(const char *path, const struct state_file_fault *fault, int error)
{
    print_error(fault->why, fault->next, "using the state file %s", path);
    return error;
}

/* Prints why the journal beside the state file could not be used. The server starts nevertheless.
 */
static void test_journal(const char *path)
{
    struct journal_file *journal;
    struct state_file_reader reader;
    struct state_file_fault fault;
    if (journal_file_new(&journal, path) != 0)
        return;
    int error = state_file_reader_open(&reader, journal_file_path(journal), &fault);
    if (error == 0)
        state_file_reader_close(&reader);
    else if (error != -ENOENT)
        print_error(fault.why, fault.next, "warning of the journal %s", journal_file_path(journal));
    journal_file_free(journal);
}

/* Prints what the start would report about the file and its directory. Returns 0 or -errno. */
static int test_file(const char *path)
{
    struct state_file_reader reader;
    struct state_file_fault fault;
    if (state_file_check_writable(path, &fault) != 0) {
        print_warning(path, &fault);
        return 0;
    }
    if (state_file_check_safe(path, &fault) != 0)
        print_warning(path, &fault);
    test_journal(path);
    int error = state_file_reader_open(&reader, path, &fault);
    if (error == 0)
        state_file_reader_close(&reader);
    else if (error != -ENOENT && fault.is_foreign)
        return print_refusal(path, &fault, error);
    else if (error != -ENOENT)
        print_warning(path, &fault);
    return 0;
}

int state_config_test(const struct config *config)
{
    const char *path = config->state.file;
    char interval[24], ttl[24];
    struct state_file_fault fault;
    if (path == NULL)
        return 0;
    if (is_interval_long(config, interval, ttl))
        print_error(INTERVAL_WHY, INTERVAL_NEXT,
                    "warning of 'interval = %s' in [state] and 'ttl = %s' in [clients]", interval,
                    ttl);
    bool is_server = become_server(config);
    int error = state_file_check_kind(path, &fault);
    if (error != 0)
        return print_refusal(path, &fault, error);
    return is_server ? test_file(path) : 0;
}
