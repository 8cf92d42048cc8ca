#include "sim/check/control_file.h"

#include "sim/core/trace.h"
#include "sim/os/process.h"
#include "sim/os/processes.h"
#include "sim/world/settings.h"

void control_file_check(const struct simulated_file *file, bool observes)
{
    const struct drawn_group *group = observes ? &setup.observer_group : &setup.control_group;
    gid_t gid = group->text != NULL ? group->gid : setup.has_user ? 1000 : (gid_t)-1;
    if (file->mode != (observes ? setup.observer_mode : setup.control_mode) ||
        file->owner.uid != (setup.has_user ? 1000 : (uid_t)-1) || file->owner.gid != gid)
        broken_promise("a control socket has its mode and group", "%s: mode %04o, group %ld",
                       file->path, (unsigned)file->mode, (long)file->owner.gid);
    bool is_served =
        processes_server() >= 0; /* or it has crashed, and a successor has the socket */
    if (group->text != NULL && is_served && !simulated_process_has_group(processes_server(), gid))
        broken_promise("the server is a member of the groups of its sockets", "not of %s",
                       group->text);
}
