/** Why a secret could not be had. No error ever holds a secret's value. */
import { CodedError } from '../util/index.ts'

/** `SECRET_MISSING` has `data.looked`: where it was looked for, in order. */
export type SecretErrorCode = 'SECRET_MISSING' | 'SECRET_UNREADABLE' | 'SECRET_EMPTY'

export class SecretError extends CodedError<SecretErrorCode> {}
