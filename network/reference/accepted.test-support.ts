/** Where our answers differ from those of the reference PDS, and why. */
export const accepted: readonly { reason: string; calls: Record<string, string[]> }[] = [
  {
    reason: 'What a client did wrong is not a failure of ours: the reference answers 500.',
    calls: {
      'com.atproto.repo.createRecord: a record is made twice': [
        'status 400, theirs 500',
        'error RecordExists, theirs InternalServerError',
      ],
      'com.atproto.repo.applyWrites: an update of nothing': [
        'status 400, theirs 500',
        'error RecordNotFound, theirs InternalServerError',
      ],
      'com.atproto.repo.applyWrites: a delete of nothing': [
        'status 400, theirs 500',
        'error RecordNotFound, theirs InternalServerError',
      ],
      'com.atproto.repo.importRepo: an import into an active account': [
        'status 400, theirs 500',
        'error InvalidRequest, theirs InternalServerError',
      ],
      'com.atproto.repo.importRepo: an import of noise': [
        'status 400, theirs 500',
        'error InvalidCar, theirs InternalServerError',
      ],
      'com.atproto.server.createAppPassword: an app password of the same name': [
        'status 400, theirs 500',
        'error InvalidRequest, theirs InternalServerError',
      ],
    },
  },
  {
    reason: 'Of accounts of ours that may not be read we say so, and ask no app view.',
    calls: {
      'com.atproto.repo.getRecord: of an account that is taken down': [
        'status 400, theirs 502',
        'error RepoTakendown, theirs UpstreamFailure',
      ],
      'com.atproto.repo.getRecord: of a deactivated account': [
        'status 400, theirs 502',
        'error RepoDeactivated, theirs UpstreamFailure',
      ],
    },
  },
  {
    reason:
      'Methods of com.atproto that nobody has are refused here, not by an app view that is asked for them.',
    calls: {
      'com.atproto.repo.burnRecord: a method nobody has': [
        'status 501, theirs 502',
        'error MethodNotImplemented, theirs UpstreamFailure',
      ],
    },
  },
  {
    reason: 'Who is known and may not: 403. A 401 has clients sign in again.',
    calls: {
      'com.atproto.repo.createRecord: into somebody else’s': [
        'status 403, theirs 401',
        'error AuthorizationError, theirs AuthenticationRequired',
      ],
      'com.atproto.repo.putRecord: put into somebody else’s': [
        'status 403, theirs 401',
        'error AuthorizationError, theirs AuthenticationRequired',
      ],
      'com.atproto.repo.deleteRecord: somebody else’s is deleted': [
        'status 403, theirs 401',
        'error AuthorizationError, theirs AuthenticationRequired',
      ],
    },
  },
  {
    reason: 'An identity is proven by a token of that identity, and without one nobody is known.',
    calls: {
      'com.atproto.server.createAccount: an account of somebody else’s identity': [
        'status 401, theirs 400',
        'error AuthMissing, theirs InvalidRequest',
      ],
      'com.atproto.server.createAccount: an account of somebody else’s identity, as alice': [
        'error BadJwt, theirs BadJwtType',
      ],
    },
  },
  {
    reason: 'The error has the name that its lexicon or its cause has.',
    calls: {
      'com.atproto.repo.createRecord: with a float': ['error InvalidValue, theirs InvalidRequest'],
      'com.atproto.repo.createRecord: with no JSON': ['error InvalidRequest, theirs SyntaxError'],
      'com.atproto.repo.listRecords: records of nobody are listed': [
        'error RepoNotFound, theirs InvalidRequest',
      ],
      'com.atproto.repo.listRecords: records of a deactivated account are listed': [
        'error RepoDeactivated, theirs InvalidRequest',
      ],
      'com.atproto.repo.listRecords: records of who is taken down are listed': [
        'error RepoTakendown, theirs InvalidRequest',
      ],
      'com.atproto.sync.getBlocks: blocks': ['error BlockNotFound, theirs InvalidRequest'],
      'com.atproto.sync.getBlocks: blocks that are not there': [
        'error BlockNotFound, theirs InvalidRequest',
      ],
      'com.atproto.sync.getBlob: a blob that is not there': [
        'error BlobNotFound, theirs InvalidRequest',
      ],
      'com.atproto.server.createAccount: an account with a handle that is taken': [
        'error HandleNotAvailable, theirs InvalidRequest',
      ],
      'com.atproto.server.createAccount: an account with a handle of elsewhere': [
        'error UnsupportedDomain, theirs InvalidHandle',
      ],
      'com.atproto.server.getServiceAuth: a service token for messages by it': [
        'error InvalidToken, theirs InvalidRequest',
      ],
      'com.atproto.identity.submitPlcOperation: an operation that is none is sent': [
        'error InvalidOperation, theirs InvalidRequest',
      ],
      'com.atproto.sync.getBlob: a blob that is taken down is read': [
        'error BlobNotFound, theirs InvalidRequest',
      ],
      'com.atproto.admin.updateSubjectStatus: nothing is taken down': [
        'error InvalidDid, theirs InvalidRequest',
      ],
      'com.atproto.admin.sendEmail: a letter to nobody': [
        'error RepoNotFound, theirs InvalidRequest',
      ],
      'com.atproto.admin.updateAccountEmail: the operator sets nobody’s address': [
        'error NotFound, theirs InvalidRequest',
      ],
      'com.atproto.admin.updateAccountHandle: the operator sets nobody’s handle': [
        'error NotFound, theirs InvalidRequest',
      ],
    },
  },
  {
    reason: 'A token for accounts is none for operators: named by what is wrong with it.',
    calls: {
      'com.atproto.server.createInviteCode: an invite by an account': [
        'error BadJwt, theirs AuthenticationRequired',
      ],
      'com.atproto.admin.getAccountInfo: getAccountInfo by an account': [
        'error BadJwt, theirs UntrustedIss',
      ],
      'com.atproto.admin.getSubjectStatus: getSubjectStatus by an account': [
        'error BadJwt, theirs UntrustedIss',
      ],
      'com.atproto.admin.updateSubjectStatus: taken down by an account': [
        'error BadJwt, theirs UntrustedIss',
      ],
    },
  },
  {
    reason: 'The last page says that it is the last.',
    calls: {
      'com.atproto.sync.listBlobs: listBlobs of an account': ['less in the body: cursor'],
      'com.atproto.sync.listRepos: all repositories': ['less in the body: cursor'],
      'com.atproto.admin.getInviteCodes: all invites': ['less in the body: cursor'],
    },
  },
  {
    reason:
      'Sessions tell the identity document (the reference when it is told to), and whether codes come by mail.',
    calls: {
      'com.atproto.server.createSession: a session is opened': [
        'more in the body: didDoc, emailAuthFactor',
      ],
      'com.atproto.server.createSession: a session is opened by address': [
        'more in the body: didDoc, emailAuthFactor',
      ],
      'com.atproto.server.createSession: a session of a deactivated account': [
        'more in the body: didDoc, emailAuthFactor',
      ],
      'com.atproto.server.createSession: a session of who is taken down, allowed': [
        'more in the body: didDoc, emailAuthFactor',
      ],
      'com.atproto.server.getSession: whose session': ['more in the body: didDoc, emailAuthFactor'],
      'com.atproto.server.getSession: whose session, of a deactivated account': [
        'more in the body: didDoc, emailAuthFactor',
      ],
      'com.atproto.server.refreshSession: a session is renewed': [
        'more in the body: didDoc, emailAuthFactor',
      ],
      'com.atproto.server.createSession: a session with it': [
        'more in the body: didDoc, emailAuthFactor',
      ],
      'com.atproto.server.getSession: whose session, by it': [
        'more in the body: didDoc, emailAuthFactor',
      ],
    },
  },
  {
    reason: 'More is told than there.',
    calls: {
      'com.atproto.server.describeServer: the server is described': [
        'more in the body: phoneVerificationRequired',
      ],
      'com.atproto.admin.getAccountInfo: getAccountInfo by the operator': [
        'more in the body: relatedRecords',
      ],
    },
  },
  {
    reason: 'A reference of a takedown is what the operator gave, and none is made up.',
    calls: {
      'com.atproto.admin.getSubjectStatus: getSubjectStatus of who is taken down': [
        'less in the body: takedown.ref:string',
      ],
      'com.atproto.admin.getSubjectStatus: the status of a blob': [
        'less in the body: takedown.ref:string',
      ],
    },
  },
  {
    reason: 'An account is of somebody who can sign in; an address is theirs to give.',
    calls: {
      'com.atproto.server.createAccount: an account without a password': [
        'status 400, theirs 200',
        'error InvalidPassword, theirs undefined',
        'less in the body: accessJwt, did, didDoc, handle, refreshJwt',
      ],
      'com.atproto.server.createAccount: an account without an address': [
        'status 200, theirs 400',
        'error undefined, theirs InvalidRequest',
        'more in the body: accessJwt, did, didDoc, handle, refreshJwt',
      ],
    },
  },
  {
    reason:
      'An app password opens what apps need: neither the others of its kind nor the name of the account.',
    calls: {
      'com.atproto.server.listAppPasswords: app passwords by it': [
        'status 400, theirs 200',
        'error InvalidToken, theirs undefined',
        'less in the body: passwords',
      ],
      'com.atproto.identity.updateHandle: a handle by an app password': [
        'status 400, theirs 200',
        'error InvalidToken, theirs undefined',
        'type application/json, theirs ',
      ],
    },
  },
  {
    reason: 'Nobody learns here which addresses and accounts there are.',
    calls: {
      'com.atproto.server.requestPasswordReset: a password of nobody is forgotten': [
        'status 200, theirs 400',
        'error undefined, theirs InvalidRequest',
        'type , theirs application/json',
      ],
      'com.atproto.server.deleteAccount: nobody is deleted': [
        'status 401, theirs 400',
        'error AuthenticationRequired, theirs InvalidRequest',
      ],
    },
  },
  {
    reason: 'An operator who names nobody is told so.',
    calls: {
      'com.atproto.admin.updateSubjectStatus: nobody is taken down': [
        'status 400, theirs 200',
        'error NotFound, theirs undefined',
        'less in the body: subject, takedown',
      ],
      'com.atproto.admin.enableAccountInvites: nobody may invite': [
        'status 400, theirs 200',
        'error NotFound, theirs undefined',
        'type application/json, theirs ',
      ],
      'com.atproto.admin.deleteAccount: the operator deletes nobody': [
        'status 400, theirs 200',
        'error NotFound, theirs undefined',
        'type application/json, theirs ',
      ],
    },
  },
  {
    reason: 'Who was deleted is known as deleted, for those who hold copies.',
    calls: {
      'com.atproto.sync.getRepoStatus: the standing of who was deleted': [
        'status 200, theirs 400',
        'error undefined, theirs RepoNotFound',
        'more in the body: active, did, status',
      ],
    },
  },
  {
    reason: 'The operator is no account.',
    calls: {
      'com.atproto.repo.createRecord: as the operator': [
        'status 401, theirs 400',
        'error AuthMissing, theirs InvalidToken',
      ],
    },
  },
  {
    reason: 'A subscription is a WebSocket, and hosts are not crawled by a PDS.',
    calls: {
      'com.atproto.sync.subscribeRepos: events without a WebSocket': [
        'status 426, theirs 401',
        'error UpgradeRequired, theirs AuthMissing',
      ],
      'com.atproto.sync.requestCrawl: a crawl is asked for': [
        'status 501, theirs 401',
        'error MethodNotImplemented, theirs AuthMissing',
      ],
    },
  },
]
