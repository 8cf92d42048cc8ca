/* A terminal in tmux: keys in, the screen out. */

#define HARNESS_INTERNAL
#include "screen.h"
#include "process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LOOK_AGAIN_MS = 20, WORDS_MAX = 32 };

static struct process tmux_server;
static const char *tmux_socket;

static struct result tmux(const char *const *words)
{
    /* -N: a server of its own making, before ours listens, would outlive the test. */
    const char *argv[WORDS_MAX] = {"tmux", "-N", "-S", tmux_socket, "-f", "/dev/null"};
    size_t count = 6;
    for (; *words && count + 1 < WORDS_MAX; words++)
        argv[count++] = *words;
    argv[count] = NULL;
    return process_run(NULL, NULL, argv);
}

static const char *tmux_says(const char *const *words)
{
    struct result result = tmux(words);
    if (result.status != 0)
        harness_fail("expected tmux to obey %s: %s", words[0], result.err);
    return result.out;
}

#define TMUX(...) tmux_says((const char *const[]){__VA_ARGS__, NULL})

static void be_in_utf8(void)
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
    harness_forgo_leaks();
    tmux_socket = harness_path("tmux");
    process_start(&tmux_server, be_in_utf8,
                  (const char *const[]){"tmux", "-S", tmux_socket, "-f", "/dev/null", "-D", NULL});
    const char *shell = harness_format("exec bash --noprofile --rcfile '%s' -i", rc);
    const char *const words[] = {"new-session", "-d", "-x", x, "-y", harness_format("%d", rows),
                                 shell,         NULL};
    /* The server is there when it obeys. */
    for (int64_t deadline = harness_now_ms() + HARNESS_DEADLINE_MS; tmux(words).status != 0;) {
        if (harness_now_ms() > deadline || tmux_server.pidfd < 0)
            harness_fail("expected a tmux server: %s", tmux(words).err);
        harness_tick(LOOK_AGAIN_MS);
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
    tmux_says(words);
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

/* How much in front of text some terminals show and others don't: a tone, U+FE0F, and, behind a
 * ZWJ, the next picture. */
static size_t differing(const char *text)
{
    static const char zwj[] = "\u200d", selector[] = "\ufe0f", tones[] = "\xf0\x9f\x8f";
    if (strncmp(text, zwj, 3) == 0)
        return (unsigned char)text[3] >= 0xf0 ? 7 : 6;
    if (strncmp(text, selector, 3) == 0)
        return 3;
    return strncmp(text, tones, 3) == 0 && (unsigned char)text[3] >= 0xbb ? 4 : 0;
}

/* Puts "(T)" in place of each "(...0.123 ms)", leaves out what terminals differ in, and cuts blanks
 * at the ends of lines. */
static const char *simplify(const char *text)
{
    char *simple = harness_keep(strlen(text) + 1), *to = simple;
    while (*text) {
        float time;
        int length = 0;
        char unit;
        if (sscanf(text, "(%f %c%*[s])%n", &time, &unit, &length) == 2 && length) {
            to += sprintf(to, "(T)");
            text += length;
            continue;
        }
        if (differing(text)) {
            text += differing(text);
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

static const char *look(void)
{
    return simplify(TMUX("capture-pane", "-p"));
}

static const char *look_for_cursor(void)
{
    return TMUX("display-message", "-p", "#{cursor_x} #{cursor_y}");
}

void screen_await(const char *lines, int column, int row)
{
    const char *expected = harness_format("%d %d\n", column, row), *shown, *cursor;
    int64_t deadline = harness_now_ms() + HARNESS_DEADLINE_MS;
    for (;;) {
        shown = look();
        cursor = look_for_cursor();
        if (strcmp(shown, lines) == 0 && strcmp(cursor, expected) == 0)
            return;
        if (harness_now_ms() > deadline)
            harness_fail("expected the screen, the cursor at %s%s\nit is, the cursor at %s%s",
                         expected, lines, cursor, shown);
        harness_tick(LOOK_AGAIN_MS);
    }
}

void screen_await_part(const char *part)
{
    const char *shown;
    int64_t deadline = harness_now_ms() + HARNESS_DEADLINE_MS;
    while (!strstr(shown = simplify(TMUX("capture-pane", "-p", "-S", "-")), part)) {
        if (harness_now_ms() > deadline)
            harness_fail("expected '%s' on the screen, it is\n%s", part, shown);
        harness_tick(LOOK_AGAIN_MS);
    }
}
