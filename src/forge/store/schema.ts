/** Tables of forge.db. Refs and objects are not here: the bare repository is their only store. */
export const SCHEMA = `
CREATE TABLE IF NOT EXISTS users (
  id INTEGER PRIMARY KEY AUTOINCREMENT, login TEXT NOT NULL UNIQUE COLLATE NOCASE,
  type TEXT NOT NULL, role TEXT NOT NULL, created_at TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS tokens (
  hash TEXT PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES users(id)) STRICT;
CREATE TABLE IF NOT EXISTS grants (
  hash TEXT PRIMARY KEY REFERENCES tokens(hash) ON DELETE CASCADE, permissions TEXT NOT NULL,
  repositories TEXT, installation INTEGER, expires_ms INTEGER) STRICT;
CREATE TABLE IF NOT EXISTS repos (
  id INTEGER PRIMARY KEY AUTOINCREMENT, owner_id INTEGER NOT NULL REFERENCES users(id),
  name TEXT NOT NULL COLLATE NOCASE, private INTEGER NOT NULL, description TEXT,
  default_branch TEXT NOT NULL, last_number INTEGER NOT NULL DEFAULT 0,
  created_at TEXT NOT NULL, updated_at TEXT NOT NULL, pushed_at TEXT NOT NULL,
  UNIQUE (owner_id, name)) STRICT;
CREATE TABLE IF NOT EXISTS collaborators (
  repo_id INTEGER NOT NULL REFERENCES repos(id), user_id INTEGER NOT NULL REFERENCES users(id),
  role TEXT NOT NULL, PRIMARY KEY (repo_id, user_id)) STRICT;
CREATE TABLE IF NOT EXISTS issues (
  id INTEGER PRIMARY KEY AUTOINCREMENT, repo_id INTEGER NOT NULL REFERENCES repos(id),
  number INTEGER NOT NULL, is_pull INTEGER NOT NULL, title TEXT NOT NULL, body TEXT,
  state TEXT NOT NULL, state_reason TEXT, user_id INTEGER NOT NULL REFERENCES users(id),
  locked INTEGER NOT NULL DEFAULT 0, lock_reason TEXT, created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL, closed_at TEXT, closed_by INTEGER REFERENCES users(id),
  UNIQUE (repo_id, number)) STRICT;
CREATE INDEX IF NOT EXISTS issues_by_update ON issues (repo_id, state, updated_at);
CREATE TABLE IF NOT EXISTS gone_issues (
  repo_id INTEGER NOT NULL REFERENCES repos(id), number INTEGER NOT NULL,
  moved_to INTEGER REFERENCES issues(id) ON DELETE SET NULL,
  PRIMARY KEY (repo_id, number)) STRICT;
CREATE TABLE IF NOT EXISTS hooks (
  id INTEGER PRIMARY KEY AUTOINCREMENT, repo_id INTEGER NOT NULL REFERENCES repos(id),
  active INTEGER NOT NULL, events TEXT NOT NULL, url TEXT NOT NULL, content_type TEXT NOT NULL,
  insecure_ssl TEXT NOT NULL, secret TEXT, last_code INTEGER, last_status TEXT NOT NULL,
  last_message TEXT, created_at TEXT NOT NULL, updated_at TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS deliveries (
  id INTEGER PRIMARY KEY AUTOINCREMENT, guid TEXT NOT NULL,
  hook_id INTEGER NOT NULL REFERENCES hooks(id) ON DELETE CASCADE, event TEXT NOT NULL,
  action TEXT, redelivery INTEGER NOT NULL, delivered_at TEXT NOT NULL, duration REAL NOT NULL,
  status TEXT NOT NULL, status_code INTEGER NOT NULL, url TEXT NOT NULL,
  request_headers TEXT NOT NULL, payload TEXT NOT NULL, response_headers TEXT NOT NULL,
  response_body TEXT NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS deliveries_by_hook ON deliveries (hook_id);
CREATE TABLE IF NOT EXISTS pulls (
  issue_id INTEGER PRIMARY KEY REFERENCES issues(id), head_ref TEXT NOT NULL,
  base_ref TEXT NOT NULL, head_sha TEXT NOT NULL, base_sha TEXT NOT NULL, draft INTEGER NOT NULL,
  maintainer_can_modify INTEGER NOT NULL, merged_at TEXT, merged_by INTEGER REFERENCES users(id),
  merge_commit_sha TEXT) STRICT;
CREATE TABLE IF NOT EXISTS labels (
  id INTEGER PRIMARY KEY AUTOINCREMENT, repo_id INTEGER NOT NULL REFERENCES repos(id),
  name TEXT NOT NULL COLLATE NOCASE, color TEXT NOT NULL, description TEXT,
  is_default INTEGER NOT NULL DEFAULT 0, UNIQUE (repo_id, name)) STRICT;
CREATE TABLE IF NOT EXISTS issue_labels (
  issue_id INTEGER NOT NULL REFERENCES issues(id),
  label_id INTEGER NOT NULL REFERENCES labels(id) ON DELETE CASCADE,
  PRIMARY KEY (issue_id, label_id)) STRICT;
CREATE TABLE IF NOT EXISTS assignees (
  issue_id INTEGER NOT NULL REFERENCES issues(id), user_id INTEGER NOT NULL REFERENCES users(id),
  PRIMARY KEY (issue_id, user_id)) STRICT;
CREATE TABLE IF NOT EXISTS issue_links (
  id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL,
  from_id INTEGER NOT NULL REFERENCES issues(id), to_id INTEGER NOT NULL REFERENCES issues(id),
  place INTEGER NOT NULL DEFAULT 1000, UNIQUE (kind, from_id, to_id)) STRICT;
CREATE INDEX IF NOT EXISTS issue_links_by_target ON issue_links (kind, to_id);
CREATE TABLE IF NOT EXISTS comments (
  id INTEGER PRIMARY KEY AUTOINCREMENT, issue_id INTEGER NOT NULL REFERENCES issues(id),
  user_id INTEGER NOT NULL REFERENCES users(id), body TEXT NOT NULL,
  created_at TEXT NOT NULL, updated_at TEXT NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS comments_by_issue ON comments (issue_id);
CREATE TABLE IF NOT EXISTS reactions (
  id INTEGER PRIMARY KEY AUTOINCREMENT, subject TEXT NOT NULL, subject_id INTEGER NOT NULL,
  user_id INTEGER NOT NULL REFERENCES users(id), content TEXT NOT NULL, created_at TEXT NOT NULL,
  UNIQUE (subject, subject_id, user_id, content)) STRICT;
CREATE TABLE IF NOT EXISTS events (
  id INTEGER PRIMARY KEY AUTOINCREMENT, repo_id INTEGER NOT NULL REFERENCES repos(id),
  issue_id INTEGER NOT NULL REFERENCES issues(id), actor_id INTEGER NOT NULL REFERENCES users(id),
  event TEXT NOT NULL, commit_id TEXT, data TEXT NOT NULL, created_at TEXT NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS events_by_issue ON events (issue_id);
CREATE TABLE IF NOT EXISTS reviews (
  id INTEGER PRIMARY KEY AUTOINCREMENT, issue_id INTEGER NOT NULL REFERENCES issues(id),
  user_id INTEGER NOT NULL REFERENCES users(id), body TEXT NOT NULL, state TEXT NOT NULL,
  commit_id TEXT NOT NULL, submitted_at TEXT) STRICT;
CREATE TABLE IF NOT EXISTS review_comments (
  id INTEGER PRIMARY KEY AUTOINCREMENT, issue_id INTEGER NOT NULL REFERENCES issues(id),
  review_id INTEGER, user_id INTEGER NOT NULL REFERENCES users(id), body TEXT NOT NULL,
  path TEXT NOT NULL, line INTEGER, side TEXT NOT NULL, commit_id TEXT NOT NULL,
  diff_hunk TEXT NOT NULL, reply_to INTEGER, created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS review_requests (
  issue_id INTEGER NOT NULL REFERENCES issues(id), user_id INTEGER NOT NULL REFERENCES users(id),
  PRIMARY KEY (issue_id, user_id)) STRICT;
CREATE TABLE IF NOT EXISTS check_runs (
  id INTEGER PRIMARY KEY AUTOINCREMENT, repo_id INTEGER NOT NULL REFERENCES repos(id),
  head_sha TEXT NOT NULL, name TEXT NOT NULL, status TEXT NOT NULL, conclusion TEXT,
  started_at TEXT, completed_at TEXT, details_url TEXT, external_id TEXT,
  title TEXT, summary TEXT, text TEXT) STRICT;
CREATE INDEX IF NOT EXISTS check_runs_by_sha ON check_runs (repo_id, head_sha);
CREATE TABLE IF NOT EXISTS statuses (
  id INTEGER PRIMARY KEY AUTOINCREMENT, repo_id INTEGER NOT NULL REFERENCES repos(id),
  sha TEXT NOT NULL, state TEXT NOT NULL, context TEXT NOT NULL, description TEXT,
  target_url TEXT, user_id INTEGER NOT NULL REFERENCES users(id), created_at TEXT NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS statuses_by_sha ON statuses (repo_id, sha);
`
