/* Shell commands in a terminal of tmux: see tmux_pane.h. */

#define HARNESS_INTERNAL
#include "tmux_pane.h"
#include "process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POLL_MS = 20 };

void pane_need_tmux(void)
{
    if (run(NULL, "tmux", "-V", NULL).status != 0)
        cr_skip_test("tmux is not installed (Debian's package: tmux)");
}

/* Runs a tmux command, with input or NULL; returns its output. */
static const char *tmux(const struct pane *pane, const char *input, const char *const *words)
{
    const char *argv[HARNESS_ARGUMENTS_MAX + 1] = {"tmux", "-u", "-N", "-S", pane->socket};
    size_t count = 5;
    struct result result;

    while (*words != NULL)
        argv[count++] = *words++;
    argv[count] = NULL;
    result = process_run(NULL, input, argv);
    if (result.status != 0)
        harness_fail("expected tmux %s to work, it printed '%s'", argv[5], result.err);
    return result.out;
}

#define TMUX(pane, ...) tmux(pane, NULL, (const char *const[]){__VA_ARGS__, NULL})

static void start_server(struct pane *pane)
{
    int64_t deadline = harness_now_ms() + HARNESS_DEADLINE_MS;

    harness_disable_leak_check();
    /* -D: not a daemon, so that it ends with the test. -N: no client starts another server. */
    process_start(
        &pane->server, NULL,
        (const char *const[]){"tmux", "-u", "-D", "-f", "/dev/null", "-S", pane->socket, NULL});
    while (run(NULL, "tmux", "-N", "-S", pane->socket, "start-server", NULL).status != 0) {
        expect(harness_now_ms() < deadline, "expected tmux to start, it printed '%s'",
               pane->server.texts[1].data ? pane->server.texts[1].data : "");
        harness_wait_ms(POLL_MS);
    }
}

void pane_open(struct pane *pane, unsigned columns, unsigned rows, const char *command)
{
    static int number;
    /* The size of the window is in the output, too, but no program has to restore it. */
    static const char modes[] = "stty -a | sed 's/rows [0-9]*; columns [0-9]*;//'";
    const char *before = harness_path("stty-before"), *after = harness_path("stty-after");

    *pane = (struct pane){.socket = harness_path(harness_format("tmux-%d", number++))};
    start_server(pane);
    TMUX(pane, "new-session", "-d", "-x", harness_format("%u", columns), "-y",
         harness_format("%u", rows),
         harness_format("%s >%s; %s\necho \"status $?\"; %s >%s; "
                        "cmp -s %s %s && echo terminal as before || echo terminal differs; "
                        "exec cat >/dev/null",
                        modes, before, command, modes, after, before, after));
}

void pane_type(struct pane *pane, const char *text)
{
    /* By pasting, so that tmux does not interpret any of the text as key names. */
    tmux(pane, text, (const char *const[]){"load-buffer", "-", NULL});
    TMUX(pane, "paste-buffer", "-d", "-r");
}

void pane_press(struct pane *pane, const char *key)
{
    TMUX(pane, "send-keys", key);
}

void pane_resize(struct pane *pane, unsigned columns, unsigned rows)
{
    TMUX(pane, "resize-window", "-x", harness_format("%u", columns), "-y",
         harness_format("%u", rows));
}

const char *pane_text(struct pane *pane)
{
    return TMUX(pane, "capture-pane", "-p");
}

static const char *await(struct pane *pane, const char *text, bool present)
{
    int64_t deadline = harness_now_ms() + HARNESS_DEADLINE_MS;
    const char *screen = pane_text(pane);

    while ((strstr(screen, text) != NULL) != present) {
        if (harness_now_ms() > deadline)
            harness_fail("expected the screen to contain '%s'%s; it is:\n%s", text,
                         present ? "" : " no longer", screen);
        harness_wait_ms(POLL_MS);
        screen = pane_text(pane);
    }
    return screen;
}

const char *pane_await(struct pane *pane, const char *text)
{
    return await(pane, text, true);
}

const char *pane_await_gone(struct pane *pane, const char *text)
{
    return await(pane, text, false);
}

const char *pane_expect_end(struct pane *pane, int status)
{
    const char *screen = pane_await(pane, "terminal ");

    harness_contains("the screen", screen, harness_format("status %d\n", status));
    harness_contains("the screen", screen, "terminal as before");
    return screen;
}

void pane_close(struct pane *pane)
{
    TMUX(pane, "kill-server");
    process_wait(&pane->server);
}
