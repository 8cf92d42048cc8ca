#include "net/socket/icmp_errors.h"

#include "address/addr.h"

#include <time.h> /* before errqueue.h, which has a timespec in it */

#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

/* Space for the error and the address of the host that reported it. */
struct ancillary {
    _Alignas(struct cmsghdr)
        uint8_t bytes[CMSG_SPACE(sizeof(struct sock_extended_err) + sizeof(struct sockaddr_in6)) +
                      CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

int icmp_errors_enable(int socket, int family)
{
    const int on = 1;
    int level = family == ADDR_IPV6 ? IPPROTO_IPV6 : IPPROTO_IP;
    int option = family == ADDR_IPV6 ? IPV6_RECVERR : IP_RECVERR;
    return setsockopt(socket, level, option, &on, sizeof on) == 0 ? 0 : -errno;
}

/* Returns the error in a message of the queue as -errno if it came by ICMP, else 0. */
static int error_of(struct msghdr *message)
{
    for (struct cmsghdr *at = CMSG_FIRSTHDR(message); at != NULL; at = CMSG_NXTHDR(message, at)) {
        struct sock_extended_err extended;
        if (!(at->cmsg_level == IPPROTO_IP && at->cmsg_type == IP_RECVERR) &&
            !(at->cmsg_level == IPPROTO_IPV6 && at->cmsg_type == IPV6_RECVERR))
            continue;
        memcpy(&extended, CMSG_DATA(at), sizeof extended);
        if (extended.ee_origin == SO_EE_ORIGIN_ICMP || extended.ee_origin == SO_EE_ORIGIN_ICMP6)
            return -(int)extended.ee_errno;
    }
    return 0;
}

uint32_t icmp_errors_receive(int socket, int *last)
{
    uint32_t count = 0;
    for (;;) {
        struct ancillary ancillary;
        struct msghdr message = {.msg_control = &ancillary, .msg_controllen = sizeof ancillary};
        ssize_t size = recvmsg(socket, &message, MSG_ERRQUEUE | MSG_DONTWAIT);
        if (size < 0 && errno == EINTR)
            continue;
        if (size < 0)
            return count;
        int error = error_of(&message);
        count += error != 0;
        *last = error ? error : *last;
    }
}

/* The errors that the kernel makes of ICMP: icmp_err_convert in net/ipv4/icmp.c, and
 * icmpv6_err_convert. */
bool icmp_errors_may_be(int error)
{
    switch (-error) {
    case ECONNREFUSED:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EHOSTDOWN:
    case ENONET:
    case ENOPROTOOPT:
    case EPROTO:
    case EACCES:
        return true;
    default:
        return false;
    }
}
