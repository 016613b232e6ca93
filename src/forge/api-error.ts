/** Faults that a client of the API sees, in GitHub's form `{message, errors?, documentation_url, status}`. */
import type { ContentfulStatusCode } from 'hono/utils/http-status'

export const DOCS = 'https://docs.github.com/rest'

export interface FieldError {
  resource: string
  field?: string
  code: 'missing' | 'missing_field' | 'invalid' | 'already_exists' | 'unprocessable' | 'custom'
  message?: string
  value?: string
}

export class ApiError extends Error {
  readonly status: ContentfulStatusCode
  readonly errors: readonly FieldError[] | undefined
  readonly headers: Readonly<Record<string, string>>

  constructor(
    status: ContentfulStatusCode,
    message: string,
    errors?: readonly FieldError[],
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(message)
    this.name = 'ApiError'
    this.status = status
    this.errors = errors
    this.headers = headers
  }

  body(): {
    message: string
    errors?: readonly FieldError[]
    url?: string
    documentation_url: string
    status: string
  } {
    const { location } = this.headers
    return {
      message: this.message,
      ...(this.errors === undefined ? {} : { errors: this.errors }),
      ...(location === undefined ? {} : { url: location }),
      documentation_url: DOCS,
      status: String(this.status),
    }
  }
}

/** 301 to where a thing is now. */
export const movedTo = (location: string) =>
  new ApiError(301, 'Moved Permanently', undefined, { location })
export const deleted = () => new ApiError(410, 'This issue was deleted')
export const notFound = () => new ApiError(404, 'Not Found')
export const badCredentials = () => new ApiError(401, 'Bad credentials')
export const needsLogin = () => new ApiError(401, 'Requires authentication')
export const forbidden = (message = 'Resource not accessible by personal access token') =>
  new ApiError(403, message)
/** 422 with its list of fields. */
export const invalid = (...errors: FieldError[]) => new ApiError(422, 'Validation Failed', errors)
/** 422 that speaks in its message only. */
export const unprocessable = (message: string) => new ApiError(422, message)
