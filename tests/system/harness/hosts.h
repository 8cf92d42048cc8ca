#ifndef SYSTEM_HOSTS_H
#define SYSTEM_HOSTS_H

/* Three hosts on one bridge. Each is a network namespace with an interface eth0. Host i has the
 * addresses 10.7.0.(i + 1), fd07::(i + 1) and fe80::(i + 1). */

enum { HOSTS = 3 };

struct hosts {
    int bridge;
    int host[HOSTS]; /* for netns_switch */
};

/* Makes the hosts, and moves the thread to host 0. Skips the test with the reason if that is not
 * possible. */
void hosts_build(struct hosts *hosts);

#endif
