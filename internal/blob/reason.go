package blob

import (
	"errors"
	"net/http"
	"slices"
	"syscall"

	"github.com/minio/minio-go/v7"
)

// Reason says in one word why an object could not be kept or read.
type Reason string

const (
	ReasonUnavailable Reason = "storage_unavailable" // it may work later
	ReasonFull        Reason = "storage_full"
	ReasonRefused     Reason = "storage_refused" // keys, rights or the bucket's name are wrong
	ReasonMismatch    Reason = "checksum_mismatch"
)

// ReasonOf finds the reason of an error.
func ReasonOf(err error) Reason {
	answer, _ := errors.AsType[minio.ErrorResponse](err)
	switch {
	case errors.Is(err, errMismatch):
		return ReasonMismatch
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), answer.StatusCode == http.StatusInsufficientStorage,
		slices.Contains([]string{"QuotaExceeded", "XMinioStorageFull"}, answer.Code):
		return ReasonFull
	case answer.StatusCode == http.StatusForbidden, answer.StatusCode == http.StatusUnauthorized,
		slices.Contains([]string{minio.NoSuchBucket, "AccessDenied", "InvalidAccessKeyId", "XAdminUserNotFound", "SignatureDoesNotMatch"}, answer.Code),
		errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EROFS):
		return ReasonRefused
	}
	return ReasonUnavailable
}
