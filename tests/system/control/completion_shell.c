#include "completion_shell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void completion_need_shell(const char *shell)
{
    if (run(NULL, shell, "-c", "true", NULL).status != 0)
        cr_skip_test("%s is not installed (Debian's package has the same name)", shell);
}

const char *completion_folder(const char *shell)
{
    const char *build = getenv("UDPSRV_BUILD");

    return harness_format("%s/completions/%s", build != NULL ? build : "build", shell);
}

const char *completion_script(const char *shell, const char *program)
{
    const char *prefix = strcmp(shell, "zsh") == 0 ? "_" : "";
    const char *suffix = strcmp(shell, "fish") == 0 ? ".fish" : "";

    return harness_format("%s/%s%s%s", completion_folder(shell), prefix, program, suffix);
}

void completion_shell_open(struct pane *pane, unsigned columns, unsigned rows, const char *shell,
                           const char *option, const char *setup)
{
    const char *rc = harness_path("rc"), *udpctl = program_path("udpctl");
    int folder_size = (int)(strlen(udpctl) - strlen("/udpctl"));
    FILE *file;

    completion_need_shell(shell);
    pane_need_tmux();
    file = fopen(rc, "we");
    expect(file != NULL, "expected to write %s", rc);
    fprintf(file, "%s\n", setup);
    fclose(file);
    pane_open(pane, columns, rows,
              harness_format("env PATH=%.*s:$PATH HOME=%s %s %s", folder_size, udpctl,
                             harness_path(""), shell, option));
    /* The word in two parts, because the terminal also shows the command itself. */
    pane_type(pane, harness_format("source %s; echo be''gun", rc));
    pane_press(pane, "Enter");
    pane_await(pane, "\nbegun");
}

void completion_shell_close(struct pane *pane)
{
    pane_type(pane, "exit");
    pane_press(pane, "Enter");
    pane_await(pane, "status ");
    pane_close(pane);
}
