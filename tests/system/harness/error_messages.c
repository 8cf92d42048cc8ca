/* Error messages of the programs: see error_messages.h. */

#include "error_messages.h"

#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* The form is PROGRAM: ATTEMPT: WHY; NEXT. */
#define FORM "^(udpsrv|udpctl|udpcli|udpload): [^:;][^;]*: [^;]+; [^ ].*$"
/* An error of a configuration has the form of compilers, so that editors find the line. Lines to be
 * copied into the file may follow. */
#define LOCATED "^(/[^:]+|-l|-s)(:[0-9]+)*: .+$|^    [^ ].*$"
/* A log line has the attempt, the object, the cause (reason) and what to do (advice). */
#define LOGGED "^[0-9T:.Z-]+ (info|debug|(warning|error) .+ reason=.+ advice=.+)"

enum { WORDS_MAX = 160 };

static char *recorded;

static bool matches(const char *pattern, const char *text)
{
    regex_t regex;
    expect(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB | REG_NEWLINE) == 0,
           "expected a pattern: %s", pattern);
    bool found = regexec(&regex, text, 0, NULL, 0) == 0;
    regfree(&regex);
    return found;
}

void error_messages_record(const char *text)
{
    size_t before = recorded ? strlen(recorded) : 0, size = strlen(text);
    recorded = realloc(recorded, before + size + 2);
    memcpy(recorded + before, text, size);
    memcpy(recorded + before + size, "\n", 2);
}

void error_messages_check(const char *command, const char *text)
{
    char *rest = strdup(text ? text : "");
    int lines = 0;
    for (char *line = strtok(rest, "\n"); line; line = strtok(NULL, "\n"), lines++)
        expect(matches(FORM, line) || matches(LOCATED, line) || matches(LOGGED, line),
               "expected the form PROGRAM: ATTEMPT: WHY; NEXT of %s, it is:\n%s", command, line);
    expect(lines > 0, "expected an error of: %s", command);
    free(rest);
    error_messages_record(text);
}

static size_t split(char *words, const char **argv)
{
    size_t count = 0;
    for (char *word = strtok(words, " "); word && count + 1 < WORDS_MAX; word = strtok(NULL, " "))
        argv[count++] = strcmp(word, "''") == 0 ? "" : word;
    argv[count] = NULL;
    return count;
}

static struct result result_of(const struct process *process)
{
    return (struct result){.status = process->status,
                           .out = process->texts[0].data ? process->texts[0].data : "",
                           .err = process->texts[1].data ? process->texts[1].data : ""};
}

struct result error_messages_run(harness_prepare *prepare, const char *input, const char *words)
{
    const char *argv[WORDS_MAX];
    struct process process;
    char *rest = strdup(words);
    split(rest, argv);
    process_start(&process, prepare, argv);
    if (input)
        process_write(&process, input);
    process_close_stdin(&process);
    process_wait(&process);
    free(rest);
    return result_of(&process);
}

void error_messages_expect(harness_prepare *prepare, const char *input, const char *words)
{
    struct result result = error_messages_run(prepare, input, words);
    expect(result.status > 0 && result.status < 128, "expected '%s' to fail, its status is %d",
           words, result.status);
    error_messages_check(words, result.err);
}

static int listen_at(const char *path)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(name.sun_path, sizeof name.sun_path, "%s", path);
    unlink(path);
    expect(bind(listener, (struct sockaddr *)&name, sizeof name) == 0 && listen(listener, 5) == 0,
           "expected to listen at %s", path);
    return listener;
}

void error_messages_expect_of_fake_server(const char *words, const char *answer,
                                          enum fake_server_end manner, bool loose)
{
    const char *path = harness_path("fake"), *argv[WORDS_MAX];
    char line[4096], *rest = strdup(words);
    struct process process;
    int listener = listen_at(path);
    size_t count = split(rest, argv);
    for (size_t i = 0; i < count; i++)
        argv[i] = strcmp(argv[i], "@") == 0 ? path : argv[i];
    process_start(&process, NULL, argv);
    process_close_stdin(&process);
    int connection = accept(listener, NULL, NULL);
    expect(read(connection, line, sizeof line) > 0, "expected a request of '%s'", words);
    for (const char *end; (end = strchr(answer, FAKE_SERVER_NEXT_ANSWER)) != NULL;
         answer = end + 1) {
        operator_send(connection, answer, (size_t)(end - answer));
        expect(read(connection, line, sizeof line) > 0, "expected another request of '%s'", words);
    }
    operator_send(connection, answer, strlen(answer));
    if (manner == FAKE_SERVER_CLOSES)
        close(connection);
    process_wait(&process);
    if (manner == FAKE_SERVER_WAITS)
        close(connection);
    close(listener);
    struct result result = result_of(&process);
    if (loose)
        error_messages_record(harness_format("%s%s", result.out, result.err));
    else
        error_messages_check(words, result.err);
    free(rest);
}

void error_messages_at_terminal(const char *words, const char *text, const char *meanwhile,
                                const char *keys, const char *error)
{
    const char *argv[WORDS_MAX];
    char *rest = strdup(words);
    struct process process;
    struct pty pty;
    split(rest, argv);
    pty_open(&pty);
    pty_start(&pty, &process, NULL, argv);
    error_messages_record(pty_await(&pty, text));
    if (meanwhile)
        run_ok(NULL, "sh", "-c", meanwhile, NULL);
    pty_type(&pty, keys);
    error_messages_record(pty_await(&pty, error));
    process_kill(&process, SIGKILL);
    process_wait(&process);
    pty_close(&pty);
    free(rest);
}

void error_messages_expect_all(void)
{
    char *templates = strdup(run_ok(NULL, "tests/messages", "--templates", NULL)), *rest;
    const char *missing = "";
    int count = 0;
    for (char *line = strtok_r(templates, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        const char *tab = strchr(line, '\t');
        count++;
        if (!tab || !matches(tab + 1, recorded))
            missing = harness_format("%s%s\n", missing, line);
    }
    expect(count > 0, "expected messages in the sources");
    expect(*missing == '\0', "expected all messages to be provoked; these were not:\n%s", missing);
    free(templates);
}
