#ifndef SERVER_RUN_AS_USER_H
#define SERVER_RUN_AS_USER_H

#include "config/config.h"
#include "os/process/privilege.h"
#include "server/config/config_files.h"

/* The user and the groups that the server becomes: server.user, server.group and control.group.
 * What is wrong is said in the log. */

/* Finds out who server.user and server.group are, and whether this process may become that. 0 or
 * -errno. */
int user_find(struct identity *identity, const struct config *config);

/* The group of control.group, (gid_t)-1 if that is left out. 0 or -errno. */
int user_find_control_group(gid_t *gid, const struct config *config);

/* Becomes identity, if a user or a group is stated, and gives up every privilege beside that, for
 * good. The group of control.group stays a supplementary one: else the operator's socket could not
 * be given to it again, should it be removed. 0 or -errno. */
int user_become(const struct identity *identity, const struct config *config);

/* Says which files of the configuration a reload will not be able to read. */
void user_warn_of_files(const struct config_files_result *files);

#endif
