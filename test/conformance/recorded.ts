/**
 * Recordings of github.com (@octokit/fixtures 23.1.2, made in 2017 and normalised) that the forge
 * is asked again, those that it is not, and how its answers differ.
 */

export interface Recorded {
  method: string
  path: string
  body: unknown
  status: number
  response: unknown
  reqheaders: Record<string, string>
  headers: Record<string, string | number>
}

/** Scenarios of what the forge does not have. */
export const NOT_REPLAYED: Readonly<Record<string, string>> = {
  'branch-protection': 'no branch is protected in the forge',
  'get-archive': 'the forge gives files by git and by path, not as archives',
  'get-organization': 'an organization is the owner of repositories and nothing else',
  'mark-notifications-as-read': 'nobody is notified',
  markdown: 'the API renders no Markdown; the pages do',
  'project-cards': 'there are no projects',
  'release-assets': 'there are no releases',
  'release-assets-conflict': 'there are no releases',
  'rename-repository': 'a repository keeps its name',
  'search-issues': 'there is no search',
}

/** Requests whose answer has another status here. */
export const STATUS: Readonly<Record<string, string>> = {
  'PUT /collaborators/octokit-fixture-user-b 201':
    'a collaborator is there at once, with 204: nobody needs to accept an invitation',
  'GET /invitations 200': 'there are no invitations',
  'PATCH /user/repository_invitations/1000 204': 'there are no invitations',
  'GET /git/refs/ 200': 'an address that GitHub no longer describes; the forge has matching-refs',
}

const NEWER = 'GitHub has it by now'
/** Differences of form, wherever the key stands. */
export const FORM: Readonly<Record<string, string>> = {
  '+ closed_by': `${NEWER}, in lists, too`,
  '+ has_discussions': NEWER,
  '+ issue_dependencies_summary': NEWER,
  '+ message': 'the forge says of each field what would be right',
  '+ status': `${NEWER}, in refusals`,
  '+ sub_issues_summary': NEWER,
  '+ user_view_type': NEWER,
  '+ verified_at': NEWER,
}

/** Headers that a client may rely on. Only a GET is conditional here, so a write has no etag. */
export const HEADERS = [
  'content-type',
  'etag',
  'link',
  'location',
  'x-github-media-type',
  'x-ratelimit-limit',
  'x-ratelimit-remaining',
  'x-ratelimit-reset',
  'x-ratelimit-resource',
  'x-ratelimit-used',
]

/** Differences of webhooks from the examples, wherever the key stands. */
export const PAYLOADS: Readonly<Record<string, string>> = {
  '+ allow_auto_merge': NEWER,
  '+ allow_merge_commit': NEWER,
  '+ allow_rebase_merge': NEWER,
  '+ allow_squash_merge': NEWER,
  '+ closed_by': NEWER,
  '+ delete_branch_on_merge': NEWER,
  '+ has_discussions': NEWER,
  '+ issue_dependencies_summary': NEWER,
  '+ last_response': 'the hook of a ping is shown as REST shows it',
  '+ organization': 'the owner of the example is a person',
  '+ performed_via_github_app': NEWER,
  '+ repository': 'the example of a ping is of an organization',
  '+ slug': NEWER,
  '+ state_reason': NEWER,
  '+ sub_issues_summary': NEWER,
  '+ test_url': 'the hook of a ping is shown as REST shows it',
  '+ timeline_url': NEWER,
  '+ title': 'the example changes something else',
  '+ user_view_type': NEWER,
  '+ verified_at': NEWER,
  '- installation': 'the example was sent to an App',
  '- secret': 'the example has one; a hook without a secret shows none',
}

/** Webhooks of which the package has no example. */
export const NO_EXAMPLE: readonly string[] = ['issues.closed']
