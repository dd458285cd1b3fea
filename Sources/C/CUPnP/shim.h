#ifndef CUPNP_SHIM_H
#define CUPNP_SHIM_H
/* <upnp.h>, not <upnp/upnp.h>: pkg-config's include path ends in .../include/upnp. */
#include <upnp.h>
#include <upnptools.h>
#include <ixml.h>
#endif
