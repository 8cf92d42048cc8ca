/* An interactive shell in a terminal of tmux: see tmux_shell.h. */

#define HARNESS_INTERNAL
#include "tmux_shell.h"
#include "process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { POLL_MS = 20, WORDS_MAX = 32 };

static struct process tmux_server;
static const char *tmux_socket;

static struct result tmux(const char *const *words)
{
    /* -N: a server that tmux starts before the test's server listens would outlive the test. */
    const char *argv[WORDS_MAX] = {"tmux", "-N", "-S", tmux_socket, "-f", "/dev/null"};
    size_t count = 6;
    for (; *words && count + 1 < WORDS_MAX; words++)
        argv[count++] = *words;
    argv[count] = NULL;
    return process_run(NULL, NULL, argv);
}

static const char *tmux_output(const char *const *words)
{
    struct result result = tmux(words);
    if (result.status != 0)
        harness_fail("expected tmux %s to work: %s", words[0], result.err);
    return result.out;
}

#define TMUX(...) tmux_output((const char *const[]){__VA_ARGS__, NULL})

static void set_utf8(void)
{
    setenv("LC_ALL", "C.UTF-8", 1);
    unsetenv("TMUX");
    unsetenv("NO_COLOR");
}

void screen_open(int columns, int rows, const char *shell_lines)
{
    if (system("command -v tmux >/dev/null && command -v bash >/dev/null") != 0)
        cr_skip("tmux or bash is missing; tests/deps --install installs them");
    const char *rc = harness_path("bashrc"), *x = harness_format("%d", columns);
    FILE *file = fopen(rc, "w");
    fprintf(file,
            "PS1='$ '\nunset HISTFILE\nexport LC_ALL=C.UTF-8 TERM=screen\n"
            "export XDG_STATE_HOME='%s'\nbind 'set enable-bracketed-paste off'\n%s\nclear\n",
            harness_path("state"), shell_lines);
    fclose(file);
    harness_disable_leak_check();
    tmux_socket = harness_path("tmux");
    process_start(&tmux_server, set_utf8,
                  (const char *const[]){"tmux", "-S", tmux_socket, "-f", "/dev/null", "-D", NULL});
    const char *shell = harness_format("exec bash --noprofile --rcfile '%s' -i", rc);
    const char *const words[] = {"new-session", "-d", "-x", x, "-y", harness_format("%d", rows),
                                 shell,         NULL};
    /* The server has started when the command succeeds. */
    for (int64_t deadline = harness_now_ms() + HARNESS_DEADLINE_MS; tmux(words).status != 0;) {
        if (harness_now_ms() > deadline || tmux_server.pidfd < 0)
            harness_fail("expected a tmux server: %s", tmux(words).err);
        harness_wait_ms(POLL_MS);
    }
    screen_await("$", 2, 0);
}

void screen_type(const char *text)
{
    TMUX("send-keys", "-l", "--", text);
}

void screen_press(const char *keys)
{
    const char *words[WORDS_MAX] = {"send-keys"};
    char *rest = strdup(keys);
    size_t count = 1;
    for (char *key = strtok(rest, " "); key && count + 1 < WORDS_MAX; key = strtok(NULL, " "))
        words[count++] = key;
    tmux_output(words);
    free(rest);
}

void screen_paste(const char *text)
{
    TMUX("set-buffer", text);
    TMUX("paste-buffer", "-p");
}

void screen_resize(int columns, int rows)
{
    TMUX("resize-window", "-x", harness_format("%d", columns), "-y", harness_format("%d", rows));
}

/* Returns how many bytes at the beginning of text are shown by some terminals only: a skin tone,
 * U+FE0F, or a ZWJ with the next emoji. */
static size_t terminal_dependent(const char *text)
{
    static const char zwj[] = "\u200d", selector[] = "\ufe0f", tones[] = "\xf0\x9f\x8f";
    if (strncmp(text, zwj, 3) == 0)
        return (unsigned char)text[3] >= 0xf0 ? 7 : 6;
    if (strncmp(text, selector, 3) == 0)
        return 3;
    return strncmp(text, tones, 3) == 0 && (unsigned char)text[3] >= 0xbb ? 4 : 0;
}

/* Replaces each "(0.123 ms)" by "(T)", and removes what depends on the terminal and the blanks at
 * the ends of lines. */
static const char *simplify(const char *text)
{
    char *simple = harness_allocate(strlen(text) + 1), *to = simple;
    while (*text) {
        float time;
        int length = 0;
        char unit;
        if (sscanf(text, "(%f %c%*[s])%n", &time, &unit, &length) == 2 && length) {
            to += sprintf(to, "(T)");
            text += length;
            continue;
        }
        if (terminal_dependent(text)) {
            text += terminal_dependent(text);
            continue;
        }
        if (*text == '\n')
            while (to > simple && to[-1] == ' ')
                to--;
        *to++ = *text++;
    }
    while (to > simple && (to[-1] == '\n' || to[-1] == ' '))
        to--;
    *to = '\0';
    return simple;
}

static const char *screen_text(void)
{
    return simplify(TMUX("capture-pane", "-p"));
}

static const char *cursor_position(void)
{
    return TMUX("display-message", "-p", "#{cursor_x} #{cursor_y}");
}

void screen_await(const char *lines, int column, int row)
{
    const char *expected = harness_format("%d %d\n", column, row), *shown, *cursor;
    int64_t deadline = harness_now_ms() + HARNESS_DEADLINE_MS;
    for (;;) {
        shown = screen_text();
        cursor = cursor_position();
        if (strcmp(shown, lines) == 0 && strcmp(cursor, expected) == 0)
            return;
        if (harness_now_ms() > deadline)
            harness_fail("expected the screen, the cursor at %s%s\nit is, the cursor at %s%s",
                         expected, lines, cursor, shown);
        harness_wait_ms(POLL_MS);
    }
}

void screen_await_part(const char *part)
{
    const char *shown;
    int64_t deadline = harness_now_ms() + HARNESS_DEADLINE_MS;
    while (!strstr(shown = simplify(TMUX("capture-pane", "-p", "-S", "-")), part)) {
        if (harness_now_ms() > deadline)
            harness_fail("expected '%s' on the screen, it is\n%s", part, shown);
        harness_wait_ms(POLL_MS);
    }
}
