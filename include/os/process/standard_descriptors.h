#ifndef OS_PROCESS_STANDARD_DESCRIPTORS_H
#define OS_PROCESS_STANDARD_DESCRIPTORS_H

/* Opens /dev/null for each standard descriptor that is closed when the program starts. Otherwise a
 * socket could get its number, and with it what is printed to that descriptor. Standard input is
 * then at its end, output to standard error is lost, and writing to standard output fails (EBADF),
 * since a program that can't print its results has failed. Call it before anything else is opened.
 * Returns 0 or -errno. */
int standard_descriptors_open_missing(void);

#endif
