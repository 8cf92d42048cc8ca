#include "server/run_as_user.h"

#include "os/file/file.h"
#include "os/log/log.h"
#include "server/startup_error.h"

#include <errno.h>
#include <string.h>

static int report(const char *what, const char *on, int error, const char *reason,
                  const char *advice)
{
    log_event(LOG_LEVEL_ERROR, what, "on", on, "reason", reason, "advice", advice, NULL);
    return error;
}

static const char UNKNOWN[] = "no entry has that name, and it is no number";

int user_find(struct identity *identity, const struct config *config)
{
    const char *user = config->server.user, *group = config->server.group;
    int error = identity_find(identity, user, group);
    if (error == -ENODATA)
        return report("cannot find the group of the user to become", user, error,
                      "no entry of the user database has that number",
                      "state server.group, too; it may be a number");
    if (error == -ESRCH)
        return report("cannot find server.group", group, error, UNKNOWN,
                      "create it, or change server.group");
    if (error == -ENOENT)
        return report("cannot find server.user", user, error, UNKNOWN,
                      "create it, or change server.user");
    if (error != 0)
        return startup_error_report(
            "cannot look up the user to become", user != NULL ? user : group, error,
            startup_error_advice(error, "look at the user database (getent passwd)"));
    error = identity_allowed(identity);
    if (error != 0)
        return startup_error_report(
            "cannot become another user", user != NULL ? user : group, error,
            "only root can: start it as root, or leave server.user and server.group out");
    return 0;
}

int user_find_control_group(gid_t *gid, const struct control_role *role,
                            const struct config *config)
{
    const char *group = control_role_settings(role, config).group;
    struct identity identity = {(uid_t)-1, (gid_t)-1};
    int error = group != NULL ? identity_find(&identity, NULL, group) : 0;
    *gid = identity.gid;
    if (error == -ESRCH)
        return report(role->group_unknown, group, error, UNKNOWN, role->group_advice);
    if (error != 0)
        return startup_error_report(
            role->group_failed, group, error,
            startup_error_advice(error, "look at the user database (getent group)"));
    return 0;
}

/* Finds the groups of both sockets; *count of them are set. */
static int find_socket_groups(gid_t groups[2], size_t *count, const struct config *config)
{
    static const struct control_role *const roles[] = {&CONTROL_OPERATORS, &CONTROL_OBSERVERS};
    *count = 0;
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
        gid_t group;
        int error = user_find_control_group(&group, roles[i], config);
        if (error != 0)
            return error;
        if (group != (gid_t)-1)
            groups[(*count)++] = group;
    }
    return 0;
}

/* Continues without permission to join these groups: they only matter when a socket is removed. */
static int change_identity(const struct identity *identity, const struct config *config)
{
    const char *user = config->server.user, *group = config->server.group;
    gid_t groups[2];
    size_t count;
    int error = find_socket_groups(groups, &count, config);
    if (error != 0)
        return error;
    if (user == NULL && group == NULL) {
        for (size_t i = 0; i < count; i++)
            privilege_join_group(groups[i]);
        return 0;
    }
    error = privilege_drop_keeping_groups(identity, groups, count);
    if (error != 0)
        return startup_error_report("cannot become another user", user != NULL ? user : group,
                                    error,
                                    "start as root, or leave server.user and server.group out");
    return 0;
}

int user_become(const struct identity *identity, const struct config *config)
{
    int error = privilege_clear_bounding_set();
    if (error == 0) {
        int change_error = change_identity(identity, config);
        if (change_error != 0)
            return change_error; /* it is logged */
        error = privilege_harden();
    }
    if (error != 0)
        return startup_error_report("cannot give up privileges", "capabilities", error,
                                    "the kernel or a sandbox of this process refuses it");
    return 0;
}

void user_warn_of_files(const struct config_files_result *files)
{
    if (files->once)
        log_event(LOG_LEVEL_WARNING, "a reload will be refused: the file can't be read again",
                  "file", files->files[0], "reason",
                  "it is a pipe, a terminal or a socket, which is read only once", "advice",
                  "give a file by -c, or restart udpsrv to change its configuration", NULL);
    for (size_t i = files->once ? 1 : 0; i < files->file_count; i++) {
        int error = file_check_readable(files->files[i]);
        if (error != 0)
            log_event(LOG_LEVEL_WARNING, "a reload will fail: the user can't read the file again",
                      "file", files->files[i], "reason", strerror(-error), "advice",
                      "make it readable for server.user", NULL);
    }
}
