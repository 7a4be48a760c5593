#!/usr/bin/env python3
"""As much of `az rest` as docs/azure.md uses, against a stand-in: STANDIN_CA and STANDIN_TOKEN in the environment."""
import json
import os
import ssl
import sys
import urllib.request

words = dict(zip(sys.argv[2::2], sys.argv[3::2]))
assert sys.argv[1] == 'rest' and words['--method'] == 'get', sys.argv
request = urllib.request.Request(words['--url'], headers={'Authorization': 'Bearer ' + os.environ['STANDIN_TOKEN']})
context = ssl.create_default_context(cafile=os.environ['STANDIN_CA'])
try:
    body = json.load(urllib.request.urlopen(request, context=context))
except urllib.error.HTTPError as error:
    sys.exit('ERROR: ' + str(error))
if '--query' in words:  # the jobs that failed, wait or run
    states = ('Failed', 'Suspended', 'InProgress')
    print('\n'.join(job['id'] for job in body['value'] if job['properties']['state'] in states))
else:
    print(json.dumps(body, indent=2))
