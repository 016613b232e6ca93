/** Options about who the agent is to GitHub, and about what GitHub tells it by itself. */
import { z } from 'zod'
import * as field from './fields.ts'
import { option, wholeNumber } from './option.ts'

const maxId = Number.MAX_SAFE_INTEGER
const secretForm = '{file: PATH}, {credential: NAME}, {env: NAME} or {gh: true}'
const storedForm = '{file: PATH}, {credential: NAME} or {env: NAME}'

export const token = option(field.secretReference.optional(), {
  what: 'Where the token is: a file, a systemd credential, a variable, or `gh auth token`.',
  why: 'Never the token itself: configuration files are copied and shown. A token that GitHub refuses is read again there, so it can be replaced while the agent works.',
  form: secretForm,
  defaultText:
    'the first of the file in BZZZ_GITHUB_TOKEN_FILE, $CREDENTIALS_DIRECTORY/github_token, /run/secrets/github_token, BZZZ_GITHUB_TOKEN, GITHUB_TOKEN, GH_TOKEN',
  env: false,
})

export const app = z
  .strictObject({
    id: option(field.appId.optional(), {
      what: 'Id of a GitHub App as which the agent signs in; then no token is looked for.',
      why: 'An App’s tokens live for an hour and cover only where it is installed. Its number or its client id, from the App’s page.',
      form: 'a number, or a client id such as Iv23li…',
      defaultText: 'none: a token is used',
    }),
    privateKey: option(field.storedSecret.optional(), {
      what: 'Where the App’s private key is: the .pem file that GitHub gave.',
      why: 'Never the key itself: configuration files are copied and shown.',
      form: storedForm,
      defaultText:
        'the first of the file in BZZZ_GITHUB_APP_PRIVATE_KEY_FILE, $CREDENTIALS_DIRECTORY/github_app_private_key, /run/secrets/github_app_private_key, BZZZ_GITHUB_APP_PRIVATE_KEY',
      env: false,
    }),
    installationId: option(z.int().min(1).max(maxId).optional(), {
      what: 'Installation of the App to use.',
      why: 'Only to spare the question: GitHub says for each repository which one it is.',
      form: wholeNumber(1, maxId),
      defaultText: 'found for each repository',
    }),
  })
  .prefault({})
  .describe('A GitHub App instead of a token.')

export const assignee = option(field.login.optional(), {
  what: 'Login that issues are assigned to on this agent’s behalf.',
  why: 'Many repositories do not let an App be assigned. Give it an account that no person works with: its assignments count as the agent’s own.',
  form: 'a GitHub login',
  defaultText: 'the login that the token or the App has',
})

export const webhooks = z
  .strictObject({
    listen: option(field.hostPort.optional(), {
      what: 'Address on which GitHub’s webhooks are received, by plain HTTP.',
      why: 'A hint that an issue changed spares polling. GitHub must reach it, mostly through a proxy that ends TLS, so it is off unless asked for.',
      form: 'HOST:PORT such as 127.0.0.1:8787 or [::1]:8787; port 0 takes a free one',
      defaultText: 'off',
    }),
    secret: option(field.storedSecret.optional(), {
      what: 'Where the secret is that signs the webhooks.',
      why: 'A delivery that is not signed with it is refused.',
      form: storedForm,
      defaultText:
        'the first of the file in BZZZ_GITHUB_WEBHOOKS_SECRET_FILE, $CREDENTIALS_DIRECTORY/github_webhook_secret, /run/secrets/github_webhook_secret, BZZZ_GITHUB_WEBHOOKS_SECRET',
      env: false,
    }),
    path: option(field.urlPath.default('/webhook'), {
      what: 'Path of the receiver.',
      why: 'What stands after the host in the webhook’s URL.',
      form: 'a path such as /webhook',
    }),
  })
  .prefault({})
  .describe('Webhooks that GitHub sends to this agent.')
