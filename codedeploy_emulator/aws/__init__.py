"""AWS's side: who answers a call, and everything that is moto's."""
