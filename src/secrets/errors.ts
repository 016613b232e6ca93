/** Why a secret could not be had. No error ever holds a secret's value. */
import { CodedError } from '../util/index.ts'

/** `SECRET_MISSING` has `data.looked`: where it was looked for, in order. */
export type SecretErrorCode =
  | 'SECRET_MISSING'
  | 'SECRET_UNREADABLE'
  | 'SECRET_EMPTY'
  /** What is there is no RSA private key in PEM form. */
  | 'APP_KEY_INVALID'
  /** 401: the App's id and key do not belong together, or the key was revoked. */
  | 'APP_UNAUTHORIZED'
  /** The App is not installed where the repository is; data.repo or data.installation. */
  | 'APP_NOT_INSTALLED'
  /** 403: the installation is suspended, or the App may not do this. */
  | 'APP_REFUSED'
  /** No answer, 429 or a 5xx: it passes by itself. */
  | 'APP_UNREACHABLE'
  /** An answer that does not have GitHub's shape. */
  | 'APP_ANSWER'
  /** What is to leave could not be searched for secrets: too large, or it took too long. */
  | 'SCAN_FAILED'

export class SecretError extends CodedError<SecretErrorCode> {}
