#ifndef SYSTEM_COMPLETION_SHELL_H
#define SYSTEM_COMPLETION_SHELL_H

#include "tmux_pane.h"

/* Real shells with the completion scripts of the build directory, for the tests of completion. */

/* Skips the test if the shell is not installed. */
void completion_need_shell(const char *shell);

/* Returns the path of a program's completion script for "bash", "zsh" or "fish"; and of the folder
 * of all scripts for that shell. */
const char *completion_script(const char *shell, const char *program);
const char *completion_folder(const char *shell);

/* Opens a terminal with a shell that has sourced setup and waits at its prompt. In its PATH, udpctl
 * is the program of the build directory. option makes the shell ignore the user's startup files. */
void completion_shell_open(struct pane *pane, unsigned columns, unsigned rows, const char *shell,
                           const char *option, const char *setup);

/* Ends the shell and closes the terminal. */
void completion_shell_close(struct pane *pane);

#endif
