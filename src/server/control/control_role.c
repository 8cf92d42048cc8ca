#include "server/control/control_role.h"

const struct control_role CONTROL_OPERATORS = {
    .access = COMMAND_FOR_OPERATORS,
    .open_failed = "cannot open the operator's socket",
    .bad_place = "choose another place (control.socket, -s), or turn it off (control.socket = off)",
    .in_use = "another udpsrv uses it, or a unix: listener of this one; choose another path (-s)",
    .not_writable = "choose a writable place (control.socket, -s), or turn the operator's socket "
                    "off (control.socket = off)",
    .not_owned = "its directory must belong to the server's user, and no other user may write "
                 "there (in /tmp: nor read); only root or a member can give the socket to "
                 "control.group",
    .not_removable = "the operator's socket cannot be removed when the server stops",
    .lost = "the operator's socket was removed and cannot be created again yet",
    .restored = "the operator's socket was removed and is created again",
    .restored_advice = "keep cleaners of temporary files away from it, or choose another place "
                       "(control.socket, -s)",
    .group_failed = "cannot look up the group of the operator's socket",
    .group_unknown = "cannot find control.group",
    .group_advice = "create it, or change control.group",
    .no_connection = "cannot accept an operator's connection",
    .no_session = "cannot open an operator's session",
    .denied = "refused an operator's connection",
    .denied_advice =
        "permit this user by control.mode and control.group, or find out why it connects",
    .denied_answer = "error cannot open a session: you have no permission; control.mode and "
                     "control.group decide who may connect\n.\n",
    .command = "an operator's command",
    .kind_shortage = LOG_KIND_CONTROL_REFUSED,
    .kind_denied = LOG_KIND_CONTROL_DENIED,
    .kind_lost = LOG_KIND_CONTROL_SOCKET_LOST,
    .kind_restored = LOG_KIND_CONTROL_SOCKET_RESTORED,
};

const struct control_role CONTROL_OBSERVERS = {
    .access = COMMAND_FOR_OBSERVERS,
    .open_failed = "cannot open the observers' socket",
    .bad_place = "choose another place (control.observer-socket), or leave that key out",
    .in_use = "another udpsrv uses it, or this one as its control socket or a unix: listener; "
              "choose another path (control.observer-socket)",
    .not_writable = "choose a writable place (control.observer-socket), or leave that key out",
    .not_owned = "its directory must belong to the server's user, and no other user may write "
                 "there (in /tmp: nor read); only root or a member can give the socket to "
                 "control.observer-group",
    .not_removable = "the observers' socket cannot be removed when the server stops",
    .lost = "the observers' socket was removed and cannot be created again yet",
    .restored = "the observers' socket was removed and is created again",
    .restored_advice = "keep cleaners of temporary files away from it, or choose another place "
                       "(control.observer-socket)",
    .group_failed = "cannot look up the group of the observers' socket",
    .group_unknown = "cannot find control.observer-group",
    .group_advice = "create it, or change control.observer-group",
    .no_connection = "cannot accept an observer's connection",
    .no_session = "cannot open an observer's session",
    .denied = "refused an observer's connection",
    .denied_advice = "permit this user by control.observer-mode and control.observer-group, or "
                     "find out why it connects",
    .denied_answer = "error cannot open a session: you have no permission; control.observer-mode "
                     "and control.observer-group decide who may connect\n.\n",
    .command = "an observer's command",
    .kind_shortage = LOG_KIND_OBSERVERS_REFUSED,
    .kind_denied = LOG_KIND_OBSERVERS_DENIED,
    .kind_lost = LOG_KIND_OBSERVERS_SOCKET_LOST,
    .kind_restored = LOG_KIND_OBSERVERS_SOCKET_RESTORED,
};

struct control_settings control_role_settings(const struct control_role *role,
                                              const struct config *config)
{
    if (role->access == COMMAND_FOR_OPERATORS)
        return (struct control_settings){.path = config->control.socket,
                                         .group = config->control.group,
                                         .mode = config->control.mode};
    return (struct control_settings){
        .path = config_has_observers(config) ? config->control.observer_socket : CONFIG_CONTROL_OFF,
        .group = config->control.observer_group,
        .mode = config->control.observer_mode};
}
