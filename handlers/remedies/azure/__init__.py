"""What may be changed in Azure."""
