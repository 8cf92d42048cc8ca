#ifndef LOAD_REPORT_SHELL_QUOTE_H
#define LOAD_REPORT_SHELL_QUOTE_H

/* Quotes a command line so that it can be pasted into a shell. The caller frees it. Returns NULL
 * when memory is short. */
char *shell_quote_command(int argc, char *const *argv);

#endif
