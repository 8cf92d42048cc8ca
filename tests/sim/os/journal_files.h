#ifndef SIM_OS_JOURNAL_FILES_H
#define SIM_OS_JOURNAL_FILES_H

#include "os/file/state_file_reader.h"

#include <stdbool.h>

/* The journal of publish streams (os/file/journal_file), in memory: it outlives the server, as a
 * disk does. A step that fails, or that the end of a process interrupts, is done, is not, or in
 * part; a power failure takes back what was not written to the disk. */

/* For sim/os/state_files, which has the functions of os/file/state_file_reader. */
enum { JOURNAL_DESCRIPTOR = 1 }; /* of its reader; the one of the state file has 0 */
bool journal_files_is_path(const char *path);
int journal_files_open(struct state_file_reader *reader, struct state_file_fault *fault);
int journal_files_read(uint64_t offset, void *bytes, size_t size);
int journal_files_keep_aside(void);

/* As for the state file (sim/os/state_files). */
void journal_files_process_ended(int process);
void journal_files_power_failure(void);
bool journal_files_are_closed(int process);

#endif
