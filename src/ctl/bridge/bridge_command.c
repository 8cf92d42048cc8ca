#include "ctl/bridge/bridge_command.h"

#include "ctl/bridge/bridge.h"
#include "ctl/commands/command_result.h"
#include "os/file/file.h"
#include "os/log/error_message.h"
#include "os/process/host.h"
#include "redis/stream_id.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CONTINUE = -1,
    PASSWORD_BYTES_MAX = 4096,
    MAX_ENTRIES = 100000, /* by default; at 200 bytes each, 20 MB of Redis's memory */
    NODE_BYTES = 256,
};

static const char PASSWORD_VARIABLE[] = "REDISCLI_AUTH"; /* as of redis-cli */

/* No client can have this address, so that the server has nothing to send. */
static const char NO_MESSAGES[] = " to=255.255.255.255";

/* What the settings point to. */
struct memory {
    struct redis_url url;
    struct entry_id from;
    char *password; /* NULL: none */
    size_t password_size;
    char node[NODE_BYTES];
    char session[SELECTOR_OPTIONS_WORDS_BYTES + 32];
};

/* ---- the password ---- */

/* Takes what the file or the variable has, without a newline at the end. */
static int read_password(const struct ctl_options *options, struct memory *memory)
{
    const char *variable = getenv(PASSWORD_VARIABLE);
    int error = 0;
    if (options->password_file != NULL)
        error = file_read(options->password_file, PASSWORD_BYTES_MAX, &memory->password,
                          &memory->password_size);
    else if (variable != NULL && (memory->password = strdup(variable)) != NULL)
        memory->password_size = strlen(variable);
    if (error != 0) {
        print_error(strerror(-error), "check its name and permissions",
                    "reading the password file %s", options->password_file);
        return STATUS_FAILED;
    }
    if (memory->password == NULL)
        return options->user == NULL
                   ? CONTINUE
                   : print_usage_error("--user needs --password-file or REDISCLI_AUTH");
    memory->password[strcspn(memory->password, "\r\n")] = '\0';
    return CONTINUE;
}

static void forget_password(struct memory *memory)
{
    if (memory->password != NULL)
        explicit_bzero(memory->password, memory->password_size);
    free(memory->password);
}

/* ---- the settings ---- */

static int read_streams(const struct ctl_options *options, struct device_name *name)
{
    const char *stream = options->operands[1];
    struct device_name publish;
    const char *wrong = device_name_set(name, stream, strlen(stream));
    if (wrong != NULL)
        return command_result_bad_argument("stream", stream, wrong);
    if (options->publish == NULL) {
        const uint32_t needs_publish = CTL_MAX_ENTRIES | CTL_NODE | CTL_EVENTS | CTL_SELECT;
        return (options->given & needs_publish) == 0
                   ? CONTINUE
                   : print_usage_error("--max-entries, --node, --events, --address, --listener and "
                                       "--idle-max need --publish");
    }
    wrong = device_name_set(&publish, options->publish, strlen(options->publish));
    if (wrong == NULL && strcmp(options->publish, stream) == 0)
        wrong = "it is the stream that is read, so each message would be published again";
    return wrong == NULL ? CONTINUE
                         : command_result_bad_argument("--publish", options->publish, wrong);
}

static void set_append(const struct ctl_options *options, struct memory *memory,
                       struct append_target *append)
{
    append->stream = options->publish;
    append->max_entries = options->max_entries > 0 ? options->max_entries : MAX_ENTRIES;
    append->node =
        options->node != NULL ? options->node : host_name(memory->node, sizeof memory->node);
}

static void set_session(const struct ctl_options *options, struct memory *memory)
{
    char words[SELECTOR_OPTIONS_WORDS_BYTES];
    snprintf(memory->session, sizeof memory->session, "gateway%s%s",
             options->given & CTL_EVENTS ? " events" : "",
             options->publish != NULL ? selector_options_format(&options->selector, words)
                                      : NO_MESSAGES);
}

/* Returns -1, or the exit status after a usage error. */
static int read_settings(const struct ctl_options *options, struct memory *memory,
                         struct bridge_settings *settings)
{
    const char *url = options->operands[0], *wrong = redis_url_parse(&memory->url, url);
    if (wrong != NULL) /* not shown, since it may have a password */
        return print_usage_error("bad URL of Redis: %s", wrong);
    if (options->from != NULL &&
        !stream_id_parse(&memory->from, options->from, strlen(options->from)))
        return command_result_bad_argument("--from", options->from,
                                           "it must be an id, as in 1700000000000-0, or 0");
    set_session(options, memory);
    *settings = (struct bridge_settings){
        .server = options->server,
        .redis = {.url = &memory->url,
                  .url_text = url,
                  .user = options->user,
                  .timeout_ms = options->server.timeout_ms},
        .stream = options->operands[1],
        .from = options->from != NULL ? &memory->from : NULL,
        .session = memory->session,
        .is_strict = (options->given & CTL_STRICT) != 0,
    };
    set_append(options, memory, &settings->append);
    return read_streams(options, &settings->stream_name);
}

int command_bridge(const struct ctl_options *options)
{
    struct memory memory = {.password = NULL};
    struct bridge_settings settings;
    int status = read_settings(options, &memory, &settings);
    if (status == CONTINUE)
        status = read_password(options, &memory);
    if (status == CONTINUE) {
        settings.redis.password = memory.password;
        status = bridge_run(&settings);
    }
    forget_password(&memory);
    return status;
}
