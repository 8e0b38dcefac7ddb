/* The static library takes no name but its own: a program may link zstd from elsewhere as well. */
#include "support.h"

/* Names of libzstd that castline's own zstd needs, too. None of these may be called by it, nor collide with it. */
#define OF_THE_PROGRAM(name) \
    size_t name(void);       \
    size_t name(void) { return ++called; }

static size_t called;

OF_THE_PROGRAM(ZSTD_compress)
OF_THE_PROGRAM(ZSTD_compressBound)
OF_THE_PROGRAM(ZSTD_compressStream2)
OF_THE_PROGRAM(ZSTD_createCCtx)
OF_THE_PROGRAM(ZSTD_createDCtx)
OF_THE_PROGRAM(ZSTD_decompress)
OF_THE_PROGRAM(ZSTD_decompressStream)
OF_THE_PROGRAM(ZSTD_DCtx_reset)
OF_THE_PROGRAM(ZSTD_getErrorName)
OF_THE_PROGRAM(ZSTD_isError)
OF_THE_PROGRAM(ZSTD_versionNumber)

int main(int count, char **arguments)
{
    text image = {NULL, 0};
    castline_verification *verification;
    castline_report *report;
    CHECK(count == 2);
    add(&image, "oci:%s/layouts/zstd-compressed-blocks", arguments[1]);
    OK(castline_verify(image.data, NULL, NULL, NULL, NULL, &verification, &error));
    OK(castline_verification_report(verification, &report, &error));
    CHECK(castline_report_is_intact(report));
    castline_report_free(report);
    castline_verification_free(verification);
    forget(&image);
    CHECK(called == 0 && ZSTD_compress() == 1);
    puts("names: one zstd beside another");
    return 0;
}
