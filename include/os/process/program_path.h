#ifndef OS_PROCESS_PROGRAM_PATH_H
#define OS_PROCESS_PROGRAM_PATH_H

#include <limits.h>
#include <stddef.h>

/* The path of the program that this process runs, and whether it is safe to start it again. */

enum { PROGRAM_PATH_FAULT_BYTES = PATH_MAX + 128 };

/* Finds the absolute path by which the program was started. Symbolic links in it are kept: what
 * they lead to later is the program that is to be started then, also when a package has replaced
 * the file. Where the kernel does not know that path, or it leads to another file, it is the path
 * of the file itself. Call it before the process changes its directory or gives up its privileges.
 * Returns 0 or -errno; the path is "" then. */
int program_path_find(char path[PATH_MAX]);

/* Checks that only root and the effective user of this process can change what is started by the
 * path: that the file, each directory above it, and each symbolic link on the way belong to one of
 * these two, and that no other user may write to the file or to the directories. A directory in
 * which only the owner of a file may replace it (S_ISVTX) may be writable by others. Returns 0, or
 * -errno with a text that says what is wrong with which path: -EPERM if others can change it,
 * another one if something on the way cannot be read. */
int program_path_check(const char *path, char fault[PROGRAM_PATH_FAULT_BYTES]);

#endif
