#ifndef LOAD_QUOTE_H
#define LOAD_QUOTE_H

/* A command line as a shell would take it, for the caller to free; NULL when memory is short. */
char *quote_command(int argc, char *const *argv);

#endif
