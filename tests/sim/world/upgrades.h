#ifndef SIM_WORLD_UPGRADES_H
#define SIM_WORLD_UPGRADES_H

#include "net/unix/handover_channel.h"
#include "sim/os/processes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Upgrades: when they are asked for, what becomes of the program that is started, and whether the
 * rest of the world notices. */

/* ---- what is asked for ---- */

/* Each poll of a time with faults, and of one without. */
void upgrades_disturb(void);
void upgrades_calm(uint64_t passed_ms);
/* In the moment of the stop. */
void upgrades_stopping(void);
/* Prepares the configuration file for an upgrade that is then asked for. Returns false if none is
 * to be. */
bool upgrades_prepare(void);
/* Something begins that an upgrade may come in between: a broadcast, a reload, a snapshot. */
void upgrades_interrupt(void);
/* Whether an operator asks for one now: then it is prepared. */
bool upgrades_draw_command(void);
/* When a successor last took over; 0: never. */
uint64_t upgrades_taken_ms(void);
/* When a successor last got the clients as a copy; 0: never in this start. */
uint64_t upgrades_copied_ms(void);
/* Whether one is going on. */
bool upgrades_are_running(void);
/* The time without faults ends. */
void upgrades_check_calm(void);
/* The server has ended. */
void upgrades_reset(void);

/* An answer to the command: why it has failed, or NULL and the processes. */
void upgrades_answered(const char *reason, uint64_t from, uint64_t to);

/* The server has closed a session with a command that is not answered, not even by an error line
 * without an end; it was the only one. */
struct connection;
void upgrades_check_session(const struct connection *connection, bool was_alone);
/* The log says that it has failed. */
void upgrades_failed(const char *reason);
/* While no thread can run: nothing is left of the last one. */
void upgrades_check_idle(void);

/* ---- what the host does ---- */

bool upgrades_path_is_unsafe(void);
int upgrades_refuse_start(void); /* 0 or -errno */
/* The successor was started; it begins to run: returns false if it ends or hangs at once. */
void upgrades_started(int process);
bool upgrades_begins(void);
bool upgrades_refuse_worker_thread(void);
/* How long a process that is killed has its descriptors; 0: it ends at once. */
uint64_t upgrades_draw_death_ns(void);
void upgrades_after_step(int process);
/* Whether the current process has to serve from now on, and its workers do not run yet. */
bool upgrades_are_taken(void);
/* Whether sockets are closed in this moment that another process goes on with. */
bool upgrades_are_closing(void);
/* Whether nobody serves now, since the successor hangs. */
bool upgrades_have_stopped_service(void);
/* A process has read its configuration file. */
void upgrades_config_read(int process);
/* Whether the file is for an upgrade only now. */
bool upgrades_have_file(void);
/* The host was suspended. */
void upgrades_clock_leapt(void);
/* How many messages the channel has room for, and how many descriptors are in one. */
size_t upgrades_draw_room(void);
size_t upgrades_draw_part(size_t most);
/* The process that the kernel names as the sender of what the current one sends by the channel. */
pid_t upgrades_sender(void);
/* The successor has got a socket that is bound elsewhere than the package says, since it was opened
 * again meanwhile. Then the predecessor must not have it take over. */
void upgrades_socket_is_elsewhere(uint16_t port);
/* A process has sent that to another one, or tried it. */
void upgrades_sent(enum handover_kind kind, const char *text, int error);
void upgrades_process_ended(int process, enum process_end how);
/* The threads of the workers of another process are about to run: its roles are read. */
void upgrades_take_over(void);

#endif
