#ifndef BASE_VERSION_H
#define BASE_VERSION_H

/* The version of all four programs (semver.org). It is defined only here. */
#define UDPSRV_VERSION "0.1.0"

#endif
