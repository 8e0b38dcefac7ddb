/* Verifies an image: `verify oci:DIR:TAG`. */
#include <castline.h>
#include <stdio.h>

static int show(const castline_progress *progress, void *context)
{
    (void)context;
    fprintf(stderr, "\r%llu of %llu bytes", (unsigned long long)progress->bytes, (unsigned long long)progress->total_bytes);
    return 0;
}

static int failed(castline_error *error)
{
    fprintf(stderr, "%s [%s]\n", castline_error_message(error), castline_error_code(error));
    castline_error_free(error);
    return 2;
}

int main(int count, char **arguments)
{
    castline_verification *verification;
    castline_report *report;
    castline_error *error = NULL;
    size_t index;
    int complete;

    if (count != 2) {
        fprintf(stderr, "write: %s oci:DIR:TAG\n", arguments[0]);
        return 2;
    }
    if (castline_verify(arguments[1], NULL, NULL, show, NULL, &verification, &error) != CASTLINE_OK)
        return failed(error);
    if (castline_verification_report(verification, &report, &error) != CASTLINE_OK)
        return failed(error);
    for (index = 0; index < castline_report_finding_count(report); index++) {
        castline_finding finding;
        if (castline_report_finding(report, index, &finding, &error) != CASTLINE_OK)
            return failed(error);
        printf("%s: %s [%s]\n", finding.level, finding.message, finding.code);
    }
    complete = castline_report_is_complete(report);
    printf("%s, %lu images\n", complete ? "intact" : "not intact, or not all of it was checked",
        (unsigned long)castline_verification_image_count(verification));
    castline_report_free(report);
    castline_verification_free(verification);
    return complete ? 0 : 1;
}
