#include "init/version.h"

#include <stdio.h>

#include "build/gen/versions.h"

void version_print(void)
{
    printf("ordain %s\n"
           "OpenSSL %s\n"
           "hiredis %s\n"
           "c-ares %s\n"
           "cJSON %s\n"
           "musl %s\n",
           ORDAIN_VERSION, DEP_OPENSSL, DEP_HIREDIS, DEP_C_ARES, DEP_CJSON, DEP_MUSL);
}
