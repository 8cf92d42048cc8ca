#ifndef SERVER_RUN_AS_USER_H
#define SERVER_RUN_AS_USER_H

#include "config/config.h"
#include "os/process/privilege.h"
#include "server/config/config_files.h"
#include "server/control/control_role.h"

/* The user and groups that the server runs as (server.user, server.group, control.group,
 * control.observer-group), and giving up privileges. Errors are logged. */

/* Looks up server.user and server.group, and checks that this process may change to them. Returns 0
 * or -errno. */
int user_find(struct identity *identity, const struct config *config);

/* Looks up control.group or control.observer-group; *gid is (gid_t)-1 if it is not set. Returns 0
 * or -errno. */
int user_find_control_group(gid_t *gid, const struct control_role *role,
                            const struct config *config);

/* Changes to the user and group of identity, if one is set, and gives up all privileges
 * permanently. The process stays a member of these two groups, so that it can give the sockets to
 * them again if a file is removed. Returns 0 or -errno. */
int user_become(const struct identity *identity, const struct config *config);

/* Logs a warning for each file of the configuration that a reload will not be able to read. */
void user_warn_of_files(const struct config_files_result *files);

#endif
