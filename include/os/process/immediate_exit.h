#ifndef OS_PROCESS_IMMEDIATE_EXIT_H
#define OS_PROCESS_IMMEDIATE_EXIT_H

/* Ends the process with that status at once (_exit(2)): without waiting for its threads, and
 * without the functions of atexit(3), which could wait for them. Buffered output is not written. */
_Noreturn void exit_immediately(int status);

#endif
