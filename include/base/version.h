#ifndef BASE_VERSION_H
#define BASE_VERSION_H

/* The version of all four programs, written here and nowhere else (semver.org). */
#define UDPSRV_VERSION "0.1.0"

#endif
