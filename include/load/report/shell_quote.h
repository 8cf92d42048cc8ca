#ifndef LOAD_REPORT_SHELL_QUOTE_H
#define LOAD_REPORT_SHELL_QUOTE_H

/* A command line as a shell would take it, for the caller to free; NULL when memory is short. */
char *shell_quote_command(int argc, char *const *argv);

#endif
