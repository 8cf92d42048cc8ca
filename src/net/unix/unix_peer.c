#include "net/unix/unix_peer.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/stat.h>

static bool is_member(int fd, gid_t gid, gid_t primary)
{
    gid_t groups[NGROUPS_MAX];
    socklen_t size = sizeof groups;
    if (gid == primary)
        return true;
    /* Since Linux 4.13; before, only the primary group is known. */
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) != 0)
        return false;
    for (size_t i = 0; i < size / sizeof groups[0]; i++)
        if (groups[i] == gid)
            return true;
    return false;
}

int unix_peer_authorize(int fd, mode_t mode, const struct identity *owner, struct unix_peer *peer)
{
    struct ucred credentials;
    socklen_t size = sizeof credentials;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0)
        return -errno;
    *peer = (struct unix_peer){credentials.pid, credentials.uid, credentials.gid};
    if (peer->uid == 0 || peer->uid == owner->uid || (mode & S_IWOTH) != 0)
        return 0;
    return (mode & S_IWGRP) != 0 && is_member(fd, owner->gid, peer->gid) ? 0 : -EACCES;
}
