// Serves the release that the key-value store names, and index.html for addresses of the application itself.
import cf from 'cloudfront';

async function handler(event) {
  const request = event.request;
  if (!request.uri.split('/').pop().includes('.')) request.uri = '/index.html';
  try {
    request.uri = '/' + (await cf.kvs().get('release')) + request.uri;
  } catch (e) {
    // No release yet: the bucket's top is served.
  }
  return request;
}
