// Asks production's health check; anything but 200 within ten seconds is a failure.
const https = require('https');

exports.handler = () => new Promise((resolve, reject) => {
  const request = https.get(process.env.URL, { timeout: 10000 }, (response) => {
    response.resume();
    if (response.statusCode === 200) resolve('200');
    else reject(new Error(`${process.env.URL} answered ${response.statusCode}`));
  });
  request.on('timeout', () => request.destroy(new Error(`${process.env.URL} did not answer within ten seconds`)));
  request.on('error', reject);
});
